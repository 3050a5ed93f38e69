"""OpenAI's Python client at `/v1/vector_stores`."""

from __future__ import annotations

from uuid import uuid4

import openai
import pytest
from openai import OpenAI

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.conftest import Person
from tests.contracts.clients.conftest import make_client, named_file
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from workspaces.services import create_workspace


def test_store_lifecycle(client: OpenAI, store):
    assert (store.name, store.metadata) == ("Nature", {"team": "biology", "workspace": "Main"})
    assert (store.status, store.file_counts.total, store.usage_bytes) == ("completed", 0, 0)
    assert client.vector_stores.retrieve(store.id) == store
    changed = client.vector_stores.update(store.id, name="Wildlife", metadata={"team": "zoology"})
    assert (changed.name, changed.metadata) == ("Wildlife", {"team": "zoology", "workspace": "Main"})
    assert store.id in [row.id for row in client.vector_stores.list(limit=1)]
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_store_is_created_in_the_named_workspace(client: OpenAI, owner: Person, library: Library):
    other = create_workspace(actor=owner.actor, name="Other")
    for name in ("Other", str(other.pk)):
        created = client.vector_stores.create(metadata={"workspace": name})
        assert created.metadata == {"workspace": "Other"}
    with pytest.raises(openai.BadRequestError, match="no workspace 'Nowhere'"):
        client.vector_stores.create(metadata={"workspace": "Nowhere"})
    with pytest.raises(openai.BadRequestError, match="stays"):
        client.vector_stores.update(created.id, metadata={"workspace": "Main"})


def test_invalid_store_is_refused(client: OpenAI, store):
    for wrong, param in (
        ({"expires_after": {"anchor": "last_active_at", "days": 1}}, "expires_after"),
        ({"metadata": {"x": "y" * 513}}, "metadata"),
        ({"metadata": dict.fromkeys("abcdefghijklmnopq", "x")}, "metadata"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            client.vector_stores.create(**wrong)
        assert refused.value.param == param


@pytest.mark.usefixtures("worker")
def test_store_file_lifecycle(client: OpenAI, store, owner: Person):
    file = client.vector_stores.files.upload_and_poll(
        poll_interval_ms=100,
        vector_store_id=store.id,
        file=named_file("bees.md", BEES),
        attributes={"year": 2025, "kind": "animal"},
    )
    assert (file.status, file.last_error, file.usage_bytes) == ("completed", None, len(BEES))
    assert file.attributes == {"year": 2025, "kind": "animal"}
    (hit,) = client.vector_stores.search(store.id, query="where are the flowers")
    assert (hit.file_id, hit.filename, hit.attributes) == (file.id, "bees.md", file.attributes)
    assert "dance" in hit.content[0].text and 0 < hit.score <= 1
    (text,) = client.vector_stores.files.content(file.id, vector_store_id=store.id)
    assert text.text and "dance" in text.text
    repeated = client.vector_stores.files.create_and_poll(
        poll_interval_ms=100, file_id=file.id, vector_store_id=store.id
    )
    assert repeated.id == file.id
    current = client.vector_stores.retrieve(store.id)
    assert (current.file_counts.completed, current.file_counts.total, current.usage_bytes) == (
        1,
        1,
        len(BEES),
    )
    assert client.vector_stores.files.delete(file.id, vector_store_id=store.id).deleted
    assert list(client.vector_stores.search(store.id, query="where are the flowers")) == []
    assert client.files.retrieve(file.id).filename == "bees.md"
    with tenant_scope(owner.tenant_id):
        actions = set(AuditLog.objects.values_list("action", flat=True))
    assert actions >= {"file.created", "documents.added", "search.performed", "documents.deleted"}


@pytest.mark.usefixtures("worker")
def test_deleting_a_file_removes_it_from_all_stores(client: OpenAI, store, owner: Person):
    file = client.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
    other = client.vector_stores.create(name="Other", file_ids=[file.id])
    client.vector_stores.files.create_and_poll(
        poll_interval_ms=100, file_id=file.id, vector_store_id=store.id
    )
    client.vector_stores.files.poll(poll_interval_ms=100, file_id=file.id, vector_store_id=other.id)
    client.vector_stores.files.delete(file.id, vector_store_id=store.id)
    assert list(client.vector_stores.search(other.id, query="bees"))
    client.files.delete(file.id)
    assert list(client.vector_stores.files.list(other.id)) == []
    with tenant_scope(owner.tenant_id):
        assert Document.objects.count() == 0


@pytest.mark.usefixtures("worker")
def test_batch_counts_completed_and_failed_files(client: OpenAI, store):
    files = [named_file("bees.md", BEES), named_file("rivers.md", RIVERS), named_file("empty.md", "")]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=files, poll_interval_ms=100)
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == ("completed", 2, 1)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, limit=2)
    assert len(list(listed)) == 3
    (failed,) = client.vector_stores.files.list(store.id, filter="failed")
    assert failed.last_error and failed.last_error.code == "invalid_file"
    files_by_page = client.vector_stores.files.list(store.id, limit=1, order="asc")
    assert len({row.id for row in files_by_page}) == 3


def test_responses_have_a_poll_interval(client: OpenAI, store):
    file = client.files.create(file=named_file("bees.md", BEES), purpose="assistants")
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    files, batches = client.vector_stores.files, client.vector_stores.file_batches
    for response in (
        files.with_raw_response.retrieve(file.id, vector_store_id=store.id),
        batches.with_raw_response.retrieve(batch.id, vector_store_id=store.id),
    ):
        assert 100 <= int(response.headers["openai-poll-after-ms"]) <= 1000


def test_cancelled_batch_removes_unread_files(client: OpenAI, store):
    ids = [client.files.create(file=(f"{n}.md", b"x"), purpose="assistants").id for n in range(3)]
    batch = client.vector_stores.file_batches.create(
        store.id, files=[{"file_id": pk, "attributes": {"number": n}} for n, pk in enumerate(ids)]
    )
    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
    for _ in range(2):
        cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert (cancelled.status, cancelled.file_counts.cancelled, cancelled.file_counts.total) == (
            "cancelled",
            3,
            3,
        )
    assert client.vector_stores.retrieve(store.id).file_counts.total == 0


@pytest.mark.usefixtures("worker")
def test_attribute_filters(client: OpenAI, store):
    files: dict[str, dict[str, str | float | bool]] = {
        "a.md": {"year": 2024, "kind": "x"},
        "b.md": {"year": 2025, "kind": "y"},
        "c.md": {"year": 2026},
    }
    ids = {}
    for name, attributes in files.items():
        file = client.files.create(file=(name, f"Bees of {name}.".encode()), purpose="assistants")
        client.vector_stores.files.create(file_id=file.id, vector_store_id=store.id, attributes=attributes)
        ids[name] = file.id
    for file_id in ids.values():
        client.vector_stores.files.poll(poll_interval_ms=100, file_id=file_id, vector_store_id=store.id)

    def search(filters) -> str:
        hits = client.vector_stores.search(store.id, query="bees", filters=filters)
        return "".join(sorted(hit.filename[0] for hit in hits))

    def compare(operator, key, value):
        return {"type": operator, "key": key, "value": value}

    old, x = compare("lt", "year", 2025), compare("eq", "kind", "x")
    assert search(x) == search(old) == "a"
    assert search(compare("ne", "kind", "x")) == "bc"
    assert search(compare("gte", "year", 2025)) == "bc" and search(compare("lte", "year", 2025)) == "ab"
    assert search(compare("in", "kind", ["x", "y"])) == "ab" and search(compare("nin", "kind", ["x"])) == "bc"
    new = compare("gt", "year", 2025)
    assert search({"type": "or", "filters": [x, new]}) == "ac"
    assert search({"type": "and", "filters": [x, new]}) == ""
    assert search({"type": "or", "filters": [{"type": "and", "filters": [x, old]}, new]}) == "ac"
    changed = client.vector_stores.files.update(
        ids["a.md"], vector_store_id=store.id, attributes={"year": 2030}
    )
    assert changed.attributes == {"year": 2030}
    client.vector_stores.files.poll(poll_interval_ms=100, file_id=ids["a.md"], vector_store_id=store.id)
    assert search(old) == "" and search(new) == "ac"


def test_invalid_search_parameters_are_refused(client: OpenAI, store):
    for options in ({"rewrite_query": True}, {"ranking_options": {"ranker": "bogus"}}):
        with pytest.raises(openai.BadRequestError):
            client.vector_stores.search(store.id, query="x", **options)  # type: ignore[arg-type]
    weights = {"hybrid_search": {"embedding_weight": 1, "text_weight": 0}}
    with pytest.raises(openai.BadRequestError, match="fixed weights"):
        client.vector_stores.search(store.id, query="x", extra_body={"ranking_options": weights})
    for wrong in (
        {"type": "like", "key": "x", "value": "y"},
        {"type": "and", "filters": []},
        {"type": "eq", "value": 1},
        {"type": "gt", "key": "x", "value": "2025"},
        {"type": "in", "key": "x", "value": 1},
        {"type": "eq", "key": "x", "value": {"gt": 1}},
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            client.vector_stores.search(store.id, query="x", filters=wrong)  # type: ignore[arg-type]
        assert refused.value.param == "filters"
    for limit in (0, 51):
        with pytest.raises(openai.BadRequestError) as refused:
            client.vector_stores.search(store.id, query="x", max_num_results=limit)
        assert refused.value.param == "max_num_results"


@pytest.mark.usefixtures("worker")
def test_several_queries_and_score_threshold(client: OpenAI, store):
    for name, text in (("bees.md", BEES), ("rivers.md", RIVERS)):
        client.vector_stores.files.upload_and_poll(
            poll_interval_ms=100, vector_store_id=store.id, file=named_file(name, text)
        )
    hits = list(client.vector_stores.search(store.id, query=["honey bees dance", "the river Danube"]))
    assert sorted(hit.filename for hit in hits) == ["bees.md", "rivers.md"]
    assert all(0.5 < hit.score < 1 for hit in hits)
    (only,) = client.vector_stores.search(
        store.id, query="honey bees dance", ranking_options={"score_threshold": 0.5}
    )
    assert only.filename == "bees.md"
    assert list(client.vector_stores.search(store.id, query="xqzv brrf")) == []
    everything = client.vector_stores.search(
        store.id, query="xqzv brrf", ranking_options={"score_threshold": 0}
    )
    assert len(list(everything)) == 2


def test_documents_of_other_apis_are_files(client: OpenAI, library: Library):
    document = library.add("rivers.md", RIVERS)
    (store,) = client.vector_stores.list()
    assert store.id == f"vs_{library.reference.pk.hex}"
    (file,) = client.vector_stores.files.list(store.id)
    assert file.id == f"file-{document.pk.hex}" and file.attributes == {}
    assert client.files.retrieve(file.id).filename == "rivers.md"
    assert client.files.content(file.id).read() == RIVERS.encode()
    assert client.vector_stores.retrieve(str(library.reference.pk)) == store
    (hit,) = client.vector_stores.search(store.id, query="Danube")
    assert hit.file_id == file.id
    client.files.delete(file.id)
    assert library.documents() == {}


def test_ids_of_another_tenant_look_absent(client: OpenAI, store, stranger: Person, address: str, tmp_path):
    make_library(stranger, tmp_path / "foreign")
    file = client.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
    client.vector_stores.files.create(file_id=file.id, vector_store_id=store.id)
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    absent_ids = (f"vs_{uuid4().hex}", f"file-{uuid4().hex}", f"vsfb_{uuid4().hex}")
    with make_client(stranger, address) as other:
        own = other.vector_stores.create(name="Own")
        requests = [
            lambda s, f, b: other.files.retrieve(f),
            lambda s, f, b: other.files.content(f),
            lambda s, f, b: other.files.delete(f),
            lambda s, f, b: other.vector_stores.retrieve(s),
            lambda s, f, b: other.vector_stores.update(s, name="Mine"),
            lambda s, f, b: other.vector_stores.delete(s),
            lambda s, f, b: other.vector_stores.search(s, query="bees"),
            lambda s, f, b: other.vector_stores.create(name="New", file_ids=[f]),
            lambda s, f, b: other.vector_stores.files.create(file_id=f, vector_store_id=own.id),
            lambda s, f, b: other.vector_stores.files.list(s),
            lambda s, f, b: other.vector_stores.files.retrieve(f, vector_store_id=s),
            lambda s, f, b: other.vector_stores.files.retrieve(f, vector_store_id=own.id),
            lambda s, f, b: other.vector_stores.files.update(f, vector_store_id=s, attributes={}),
            lambda s, f, b: other.vector_stores.files.delete(f, vector_store_id=s),
            lambda s, f, b: other.vector_stores.files.content(f, vector_store_id=s),
            lambda s, f, b: other.vector_stores.file_batches.create(s, file_ids=[f]),
            lambda s, f, b: other.vector_stores.file_batches.create(own.id, file_ids=[f]),
            lambda s, f, b: other.vector_stores.file_batches.retrieve(b, vector_store_id=s),
            lambda s, f, b: other.vector_stores.file_batches.cancel(b, vector_store_id=s),
            lambda s, f, b: other.vector_stores.file_batches.list_files(b, vector_store_id=s),
            lambda s, f, b: other.vector_stores.file_batches.list_files(b, vector_store_id=own.id),
        ]
        for request in requests:
            errors = []
            for ids in ((store.id, file.id, batch.id), absent_ids):
                with pytest.raises(openai.NotFoundError) as refused:
                    request(*ids)
                errors.append(str(refused.value.body).replace(ids[1], "FILE"))
            assert errors[0] == errors[1]
        assert [row.id for row in other.vector_stores.list() if row.id != own.id]
        assert list(other.files.list()) == []
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1


def test_bound_key_is_limited_to_its_reference(client: OpenAI, owner: Person, address: str, library: Library):
    other = client.vector_stores.create()
    secret = client.files.create(file=("x.md", b"x"), purpose="assistants")
    own_id = f"vs_{library.reference.pk.hex}"
    with make_client(owner, address, bound=("reference", library.reference.pk)) as bound:
        assert [row.id for row in bound.vector_stores.list()] == [own_id]
        assert list(bound.files.list()) == [] and len(list(bound.models.list())) == 2
        file = bound.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
        assert (
            bound.vector_stores.files.create(file_id=file.id, vector_store_id=own_id).status == "in_progress"
        )
        for request in (
            lambda: bound.vector_stores.search(other.id, query="x"),
            lambda: bound.files.retrieve(secret.id),
            lambda: bound.vector_stores.files.create(file_id=secret.id, vector_store_id=own_id),
            lambda: bound.vector_stores.files.create(file_id=file.id, vector_store_id=other.id),
        ):
            with pytest.raises(openai.NotFoundError):
                request()
        with pytest.raises(openai.PermissionDeniedError):
            bound.vector_stores.create(name="New")
        client.vector_stores.files.create(file_id=file.id, vector_store_id=other.id)
        with pytest.raises(openai.PermissionDeniedError):  # documents of other references were made from it
            bound.files.delete(file.id)
    assert "New" not in [row.name for row in client.vector_stores.list()]
    assert client.files.retrieve(file.id).id == file.id
