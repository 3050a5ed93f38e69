"""OpenAI's own Python client works with vector stores: filled, searched, changed, emptied."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import openai
import pytest
from openai import OpenAI

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.clients.conftest import client_of
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from workspaces.services import create_workspace


@pytest.fixture
def library(owner: Person, tmp_path) -> Library:
    """So that there is a workspace."""
    return make_library(owner, tmp_path / "own")


@pytest.fixture
def store(client: OpenAI, library: Library):
    return client.vector_stores.create(name="Nature", metadata={"team": "biology"})


def named(name: str, text: str) -> BytesIO:
    file = BytesIO(text.encode())
    file.name = name
    return file


def test_a_store_is_made_read_changed_and_deleted(client: OpenAI, store):
    assert (store.name, store.metadata) == ("Nature", {"team": "biology", "workspace": "Main"})
    assert (store.status, store.file_counts.total, store.usage_bytes) == ("completed", 0, 0)
    assert client.vector_stores.retrieve(store.id) == store
    changed = client.vector_stores.update(store.id, name="Wildlife", metadata={"team": "zoology"})
    assert (changed.name, changed.metadata) == ("Wildlife", {"team": "zoology", "workspace": "Main"})
    assert store.id in [one.id for one in client.vector_stores.list(limit=1)]
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_a_store_is_in_the_workspace_that_is_named(client: OpenAI, owner: Person, library: Library):
    other = create_workspace(actor=owner.actor, name="Other")
    for name in ("Other", str(other.pk)):
        made = client.vector_stores.create(metadata={"workspace": name})
        assert made.metadata == {"workspace": "Other"}
    with pytest.raises(openai.BadRequestError, match="no workspace 'Nowhere'"):
        client.vector_stores.create(metadata={"workspace": "Nowhere"})
    with pytest.raises(openai.BadRequestError, match="stays"):
        client.vector_stores.update(made.id, metadata={"workspace": "Main"})


def test_what_a_store_cannot_be_is_refused(client: OpenAI, store):
    for wrong, param in (
        ({"name": "Nature"}, None),
        ({"expires_after": {"anchor": "last_active_at", "days": 1}}, "expires_after"),
        ({"metadata": {"x": "y" * 513}}, "metadata"),
        ({"metadata": dict.fromkeys("abcdefghijklmnopq", "x")}, "metadata"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            client.vector_stores.create(**wrong)
        assert refused.value.param == param


@pytest.mark.usefixtures("worker")
def test_files_are_uploaded_followed_searched_and_taken_out(client: OpenAI, store, owner: Person):
    made = client.vector_stores.files.upload_and_poll(
        poll_interval_ms=100,
        vector_store_id=store.id,
        file=named("bees.md", BEES),
        attributes={"year": 2025, "kind": "animal"},
    )
    assert (made.status, made.last_error, made.usage_bytes) == ("completed", None, len(BEES))
    assert made.attributes == {"year": 2025, "kind": "animal"}
    (hit,) = client.vector_stores.search(store.id, query="where are the flowers")
    assert (hit.file_id, hit.filename, hit.attributes) == (made.id, "bees.md", made.attributes)
    assert "dance" in hit.content[0].text and 0 < hit.score <= 1
    (text,) = client.vector_stores.files.content(made.id, vector_store_id=store.id)
    assert text.text and "dance" in text.text
    again = client.vector_stores.files.create_and_poll(
        poll_interval_ms=100, file_id=made.id, vector_store_id=store.id
    )
    assert again.id == made.id
    now = client.vector_stores.retrieve(store.id)
    assert (now.file_counts.completed, now.file_counts.total, now.usage_bytes) == (1, 1, len(BEES))
    assert client.vector_stores.files.delete(made.id, vector_store_id=store.id).deleted
    assert list(client.vector_stores.search(store.id, query="where are the flowers")) == []
    assert client.files.retrieve(made.id).filename == "bees.md"
    with tenant_scope(owner.tenant_id):
        told = set(AuditLog.objects.values_list("action", flat=True))
    assert told >= {"file.created", "documents.added", "search.performed", "documents.deleted"}


@pytest.mark.usefixtures("worker")
def test_a_file_may_be_in_two_stores_and_goes_from_both_with_itself(client: OpenAI, store, owner: Person):
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
def test_a_batch_is_followed_as_one(client: OpenAI, store):
    files = [named("bees.md", BEES), named("rivers.md", RIVERS), named("empty.md", "")]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=files, poll_interval_ms=100)
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == ("completed", 2, 1)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, limit=2)
    assert len(list(listed)) == 3
    (failed,) = client.vector_stores.files.list(store.id, filter="failed")
    assert failed.last_error and failed.last_error.code == "invalid_file"
    whole = client.vector_stores.files.list(store.id, limit=1, order="asc")
    assert len({one.id for one in whole}) == 3


def test_clients_are_told_when_to_look_again(client: OpenAI, store):
    file = client.files.create(file=named("bees.md", BEES), purpose="assistants")
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    files, batches = client.vector_stores.files, client.vector_stores.file_batches
    for answer in (
        files.with_raw_response.retrieve(file.id, vector_store_id=store.id),
        batches.with_raw_response.retrieve(batch.id, vector_store_id=store.id),
    ):
        assert 100 <= int(answer.headers["openai-poll-after-ms"]) <= 1000


def test_a_cancelled_batch_takes_out_what_is_not_read_yet(client: OpenAI, store):
    ids = [client.files.create(file=(f"{n}.md", b"x"), purpose="assistants").id for n in range(3)]
    batch = client.vector_stores.file_batches.create(
        store.id, files=[{"file_id": one, "attributes": {"number": n}} for n, one in enumerate(ids)]
    )
    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
    for _ in range(2):
        over = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert (over.status, over.file_counts.cancelled, over.file_counts.total) == ("cancelled", 3, 3)
    assert client.vector_stores.retrieve(store.id).file_counts.total == 0


@pytest.mark.usefixtures("worker")
def test_attributes_filter_what_is_found(client: OpenAI, store):
    facts: dict[str, dict[str, str | float | bool]] = {
        "a.md": {"year": 2024, "kind": "x"},
        "b.md": {"year": 2025, "kind": "y"},
        "c.md": {"year": 2026},
    }
    ids = {}
    for name, attributes in facts.items():
        file = client.files.create(file=(name, f"Bees of {name}.".encode()), purpose="assistants")
        client.vector_stores.files.create(file_id=file.id, vector_store_id=store.id, attributes=attributes)
        ids[name] = file.id
    for one in ids.values():
        client.vector_stores.files.poll(poll_interval_ms=100, file_id=one, vector_store_id=store.id)

    def found(filters) -> str:
        hits = client.vector_stores.search(store.id, query="bees", filters=filters)
        return "".join(sorted(hit.filename[0] for hit in hits))

    def compare(how, key, value):
        return {"type": how, "key": key, "value": value}

    old, x = compare("lt", "year", 2025), compare("eq", "kind", "x")
    assert found(x) == found(old) == "a"
    assert found(compare("ne", "kind", "x")) == "bc"
    assert found(compare("gte", "year", 2025)) == "bc" and found(compare("lte", "year", 2025)) == "ab"
    assert found(compare("in", "kind", ["x", "y"])) == "ab" and found(compare("nin", "kind", ["x"])) == "bc"
    new = compare("gt", "year", 2025)
    assert found({"type": "or", "filters": [x, new]}) == "ac"
    assert found({"type": "and", "filters": [x, new]}) == ""
    assert found({"type": "or", "filters": [{"type": "and", "filters": [x, old]}, new]}) == "ac"
    changed = client.vector_stores.files.update(
        ids["a.md"], vector_store_id=store.id, attributes={"year": 2030}
    )
    assert changed.attributes == {"year": 2030}
    client.vector_stores.files.poll(poll_interval_ms=100, file_id=ids["a.md"], vector_store_id=store.id)
    assert found(old) == "" and found(new) == "ac"


def test_a_filter_that_says_nothing_is_refused(client: OpenAI, store):
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
def test_several_questions_are_asked_at_once_and_weak_answers_left_out(client: OpenAI, store):
    for name, text in (("bees.md", BEES), ("rivers.md", RIVERS)):
        client.vector_stores.files.upload_and_poll(
            poll_interval_ms=100, vector_store_id=store.id, file=named(name, text)
        )
    hits = list(client.vector_stores.search(store.id, query=["honey bees dance", "the river Danube"]))
    assert sorted(hit.filename for hit in hits) == ["bees.md", "rivers.md"]
    assert [hit.score for hit in hits] == pytest.approx([1, 1])
    (only,) = client.vector_stores.search(
        store.id, query="honey bees dance", ranking_options={"score_threshold": 0.9}
    )
    assert only.filename == "bees.md"


def test_what_came_by_other_doors_is_there_too(client: OpenAI, library: Library):
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


def test_a_stranger_finds_nothing_of_it(client: OpenAI, store, stranger: Person, address: str, tmp_path):
    make_library(stranger, tmp_path / "foreign")
    file = client.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
    client.vector_stores.files.create(file_id=file.id, vector_store_id=store.id)
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    absent, nobody = f"file-{uuid4().hex}", f"vs_{uuid4().hex}"
    with client_of(stranger, address) as other:
        own = other.vector_stores.create(name="Own")
        tries = [
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
        for attempt in tries:
            answers = []
            for ids in ((store.id, file.id, batch.id), (nobody, absent, f"vsfb_{uuid4().hex}")):
                with pytest.raises(openai.NotFoundError) as refused:
                    attempt(*ids)
                answers.append(str(refused.value.body).replace(ids[1], "FILE"))
            assert answers[0] == answers[1]
        assert [one.id for one in other.vector_stores.list() if one.id != own.id]
        assert list(other.files.list()) == []
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1


def test_a_bound_key_keeps_to_what_it_is_bound_to(
    client: OpenAI, owner: Person, address: str, library: Library
):
    other, secret = (
        client.vector_stores.create(),
        client.files.create(file=("x.md", b"x"), purpose="assistants"),
    )
    mine = f"vs_{library.reference.pk.hex}"
    with client_of(owner, address, bound=("reference", library.reference.pk)) as bound:
        assert [one.id for one in bound.vector_stores.list()] == [mine]
        assert list(bound.files.list()) == [] and len(list(bound.models.list())) == 1
        file = bound.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
        assert bound.vector_stores.files.create(file_id=file.id, vector_store_id=mine).status == "in_progress"
        for attempt in (
            lambda: bound.vector_stores.search(other.id, query="x"),
            lambda: bound.files.retrieve(secret.id),
            lambda: bound.vector_stores.files.create(file_id=secret.id, vector_store_id=mine),
            lambda: bound.vector_stores.files.create(file_id=file.id, vector_store_id=other.id),
        ):
            with pytest.raises(openai.NotFoundError):
                attempt()
        with pytest.raises(openai.PermissionDeniedError):
            bound.vector_stores.create(name="New")
        client.vector_stores.files.create(file_id=file.id, vector_store_id=other.id)
        with pytest.raises(openai.PermissionDeniedError):  # others have made use of it
            bound.files.delete(file.id)
    assert "New" not in [one.name for one in client.vector_stores.list()]
    assert client.files.retrieve(file.id).id == file.id
