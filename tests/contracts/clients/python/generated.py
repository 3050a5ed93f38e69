"""The Python client that openapi-python-client generates: upload, events, pages and a search."""

import json
import os
from io import BytesIO

from oyl_client import AuthenticatedClient
from oyl_client.api.documents import documents_events, documents_get, documents_list, documents_upload
from oyl_client.api.events import events_list
from oyl_client.api.references import references_create
from oyl_client.api.search import search_query
from oyl_client.api.workspaces import workspaces_create
from oyl_client.models import (
    Document,
    DocumentExpanded,
    DocumentsGetExpandItem,
    DocumentStatusEnum,
    FiltersRequest,
    Found,
    PaginatedDocumentList,
    Problem,
    Reference,
    ReferenceRequest,
    SearchRequest,
    UploadRequest,
    UploadRequestMetadata,
    Uploads,
    Workspace,
    WorkspaceRequest,
)
from oyl_client.types import UNSET, File, Unset

oyl = AuthenticatedClient(base_url=os.environ["OYL_URL"], token=os.environ["OYL_KEY"])

workspace = workspaces_create.sync(client=oyl, body=WorkspaceRequest(name="Generated"))
assert isinstance(workspace, Workspace), workspace
reference = references_create.sync(client=oyl, body=ReferenceRequest(workspace=workspace.id, name="Manuals"))
assert isinstance(reference, Reference), reference

metadata = UploadRequestMetadata.from_dict({"year": 2026})
files = [
    File(payload=BytesIO(f"After jam {n}, open the rear cover.\n".encode()), file_name=f"{n}.md")
    for n in range(3)
]
upload = UploadRequest(reference=reference.id, files=files, metadata=metadata, tags=["printer"])
uploads = documents_upload.sync(client=oyl, body=upload)
assert isinstance(uploads, Uploads), uploads

for result in uploads.results:
    events = documents_events.sync(client=oyl, id=result.id)
    assert isinstance(events, str), events
    states = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: ")]
    assert states[-1]["document"]["processed_status"] == "done", states

# What has happened in the organisation, from the beginning: a stream, which goes on until one has read enough.
request = events_list._get_kwargs(last_event_id="0")
with oyl.get_httpx_client().stream(**request) as stream:
    happened = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
    assert next(one for one in happened if one["type"] == "document.indexed")["count"] == 1

names: list[str] = []
cursor: str | Unset | None = UNSET
while cursor is not None:
    page = documents_list.sync(client=oyl, reference=reference.id, limit=2, cursor=cursor)
    assert isinstance(page, PaginatedDocumentList), page
    names += [document.filename for document in page.results]
    cursor = page.next_cursor
assert sorted(names) == ["0.md", "1.md", "2.md"]

document = documents_get.sync(
    client=oyl,
    id=uploads.results[0].id,
    expand=[DocumentsGetExpandItem.REFERENCE, DocumentsGetExpandItem.CONTAINER],
)
assert isinstance(document, Document), document
assert isinstance(document.expanded, DocumentExpanded) and isinstance(document.expanded.reference, Reference)
assert document.processed_status is DocumentStatusEnum.DONE
assert document.metadata_json.additional_properties == {"year": 2026}

filters = FiltersRequest.from_dict({"metadata": {"year": {"gte": 2025}}})
found = search_query.sync(client=oyl, body=SearchRequest(query="rear cover", filters=filters))
assert isinstance(found, Found), found
assert len(found.results) == 3
refused = search_query.sync(client=oyl, body=SearchRequest(query=""))
assert isinstance(refused, Problem) and refused.code == "invalid"
