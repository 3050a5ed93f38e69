"""The cost of a page of a long list, in blocks that PostgreSQL reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from core.api.pagination import Cursor
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from knowledge.models import IngestionJob
from tests.conftest import Person
from tests.knowledge.costs import add_rows, buffers
from tests.knowledge.libraries import Library
from tests.support.api_client import Caller, make_caller

TableOwner = Callable[[UUID], AbstractContextManager[CursorWrapper]]
LISTS = {
    "documents": "documents",
    "chunks": "chunks",
    "tag-links": "tag_links",
    "ingestion-jobs": "ingestion_jobs",
}
PARENTS = ("tags", '"references"')
PAGES = ("", f"&cursor={Cursor(backwards=True)}")


def test_page_cost_does_not_grow_with_the_table(
    owner: Person, library: Library, table_owner: TableOwner
) -> None:
    few = costs(owner, library, table_owner, documents=300)
    many = costs(owner, library, table_owner, documents=2700)
    assert all(many[page] < 2 * few[page] for page in few), (few, many)


def costs(owner: Person, library: Library, table_owner: TableOwner, *, documents: int) -> dict[str, int]:
    """{page of a list: blocks read}, after adding so many documents."""
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.bulk_create(
            IngestionJob(
                document=chunk.document, generation=1, available_at=chunk.created_at, state=JobState.DONE
            )
            for chunk in add_rows(library, documents)
        )
    with table_owner(library.tenant_id) as cursor:
        cursor.execute(f"ANALYZE {', '.join([*LISTS.values(), *PARENTS])}")
    caller = make_caller(owner)
    return {
        f"{name}{page}": cost(caller, library.tenant_id, f"{name}/?limit=20{page}", table)
        for name, table in LISTS.items()
        for page in PAGES
    }


def cost(caller: Caller, tenant_id: UUID, path: str, table: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert len(caller.get(path).json()["results"]) == 20
    (sql,) = (query["sql"] for query in captured if f'FROM "{table}"' in query["sql"])
    with tenant_scope(tenant_id):
        return buffers(sql)
