"""Quotas through the doors, with small limits."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connections
from django.test import Client

from assistants.models import Teammate
from core.apps import oyl_apps
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit, QuotaUse
from core.permissions import Role
from core.quota_kinds import QuotaKind, today
from core.tasks import add_up_quotas, correct_quotas
from knowledge.engine_config import default_embedder
from knowledge.models import Document
from knowledge.services.references import get_or_create_reference
from tenants.models import User
from tests.conftest import Person, make_member
from tests.conversations.conftest import Desk, make_desk
from tests.knowledge.interruptions import before, delete
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library, make_tag
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.quotas import limit, used
from tests.workflows.benches import make_bench


@pytest.fixture
def library(owner: Person, tmp_path) -> Library:
    return make_library(owner, tmp_path / "own")


def upload(caller: Caller, library: Library, *names: str, content: str = BEES) -> Any:
    files = [SimpleUploadedFile(name, content.encode()) for name in names]
    return caller.upload(reference=library.reference.pk, files=files)


def make_repeatably(caller: Caller, name: str) -> Any:
    """With one Idempotency-Key for each name."""
    return caller.post("workspaces/", {"name": name}, **{"Idempotency-Key": name})


def test_documents(owner: Person, stranger: Person, library: Library, caller: Caller, tmp_path):
    limit(owner, QuotaKind.DOCUMENTS, 2)
    assert upload(caller, library, "a.md", "b.md").status_code == 202
    problem = assert_problem(upload(caller, library, "c.md"), 403, "quota_exceeded")
    assert problem["quota"] == {
        "kind": "documents",
        "of": "organisation",
        "used": 2,
        "limit": 2,
        "resets_at": None,
    }
    theirs = make_library(stranger, tmp_path / "theirs")
    assert upload(make_caller(stranger), theirs, "c.md").status_code == 202
    assert upload(caller, library, "a.md", content=RIVERS).status_code == 202
    with tenant_scope(owner.tenant_id):
        first = Document.objects.all()[0]
    assert caller("delete", f"documents/{first.pk}/").status_code == 204
    assert upload(caller, library, "c.md").status_code == 202
    assert used(owner, QuotaKind.DOCUMENTS) == 2


def test_uses_are_added_up_and_corrected_by_what_is_there(owner: Person, library: Library, caller: Caller):
    upload(caller, library, "a.md", "b.md")
    upload(caller, library, "c.md")
    library.work()
    add_up_quotas()
    before = {kind: used(owner, kind) for kind in QuotaKind}
    with tenant_scope(owner.tenant_id):
        rows = QuotaUse.objects.values_list("kind", "day", "workspace_id", "credential", "user_id")
        assert len(rows) == len(set(rows))
    correct_quotas()
    assert {kind: used(owner, kind) for kind in QuotaKind} == before
    assert (
        before[QuotaKind.DOCUMENTS] == 3
        and before[QuotaKind.CHUNKS] == 3
        and before[QuotaKind.EMBEDDING] > 30
    )
    with tenant_scope(owner.tenant_id):
        QuotaUse.objects.filter(kind=QuotaKind.CHUNKS).delete_rows()
        document = Document.objects.all()[0]
        Document.objects.filter(pk=document.pk).delete()
    correct_quotas()
    assert used(owner, QuotaKind.DOCUMENTS) == used(owner, QuotaKind.CHUNKS) == 2
    assert used(owner, QuotaKind.STORAGE) == before[QuotaKind.STORAGE] - document.size_bytes


def test_chunks(owner: Person, library: Library, caller: Caller):
    """The document fails, leaves no points, and can be retried when there is room."""
    limit(owner, QuotaKind.CHUNKS, 1)
    upload(caller, library, "a.md")
    library.work()
    upload(caller, library, "b.md")
    library.work()
    documents = library.documents()
    failed = documents["b.md"]
    assert (failed.processed_status, failed.error_code) == ("error", "quota_exceeded")
    assert "1 of 1" in failed.error_detail
    assert library.points(failed) == [] and len(library.points(documents["a.md"])) == 1
    assert used(owner, QuotaKind.CHUNKS) == 1
    caller("delete", f"documents/{documents['a.md'].pk}/")
    library.work()
    assert caller.post(f"documents/{failed.pk}/retry/", {}).status_code == 202
    library.work()
    assert library.documents()["b.md"].processed_status == "done"
    assert used(owner, QuotaKind.CHUNKS) == 1


def test_storage_of_documents_and_files(owner: Person, library: Library, caller: Caller):
    limit(owner, QuotaKind.STORAGE, 2 * len(BEES))
    assert upload(caller, library, "a.md").status_code == 202
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})

    def send() -> Any:
        file = SimpleUploadedFile("f.md", BEES.encode())
        return client.post("/v1/files", {"file": file, "purpose": "assistants"})

    stored = send()
    assert stored.status_code == 200
    refused = send()
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "quota_exceeded")
    assert client.delete(f"/v1/files/{stored.json()['id']}").status_code == 200
    assert send().status_code == 200
    assert used(owner, QuotaKind.STORAGE) == 2 * len(BEES)


def test_searches_of_a_day(owner: Person, stranger: Person, caller: Caller):
    limit(owner, QuotaKind.SEARCH, 12)
    assert caller.post("search/", {"query": "bees", "limit": 1000}).status_code == 200
    assert caller.post("search/", {"query": "bees"}).status_code == 200
    answer = caller.post("search/", {"query": "bees"})
    problem = assert_problem(answer, 429, "quota_exceeded")
    assert 0 < int(answer["Retry-After"]) <= 86_400
    assert (problem["quota"]["used"], problem["quota"]["limit"]) == (12, 12)
    assert problem["quota"]["resets_at"] > str(today())
    page = owner.client.get("/admin/try-search/?query=bees").content.decode()
    assert "12 of 12 are used" in page
    assert make_caller(stranger).post("search/", {"query": "bees"}).status_code == 200


@pytest.fixture
def desk(owner: Person, tmp_path: Path) -> Desk:
    return make_desk(owner, tmp_path / "desk")


def test_answers_of_a_day(owner: Person, desk: Desk, caller: Caller):
    limit(owner, QuotaKind.ANSWERS, 1)
    address, body = f"assistants/{desk.assistant.pk}/ask/", {"question": "Where are the flowers?"}
    assert caller.post(address, body).status_code == 200
    assert_problem(caller.post(address, body), 429, "quota_exceeded")
    assert used(owner, QuotaKind.ANSWERS) == 1


def test_choices_of_teammates_count_as_searches(owner: Person, desk: Desk, caller: Caller):
    with tenant_scope(owner.tenant_id):
        teammate = Teammate.objects.create(
            workspace_id=desk.assistant.workspace_id,
            name="Team",
            orchestration_config={"strategy": "similarity", "assistants": [str(desk.assistant.pk)]},
        )
    limit(owner, QuotaKind.SEARCH, 1)
    address, body = f"teammates/{teammate.pk}/route/", {"question": "Where are the flowers?"}
    assert caller.post(address, body).status_code == 200
    assert_problem(caller.post(address, body), 429, "quota_exceeded")


def embed(caller: Caller, *texts: str) -> Any:
    model = default_embedder().model
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    return client.post("/v1/embeddings", {"model": model, "input": texts}, content_type="application/json")


def test_tokens_of_embeddings_and_of_ingestion(owner: Person, library: Library, caller: Caller):
    limit(owner, QuotaKind.EMBEDDING, 30)
    tokens = embed(caller, "bees dance").json()["usage"]["total_tokens"]
    assert used(owner, QuotaKind.EMBEDDING) == tokens
    refused = embed(caller, BEES * 3)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_exceeded")
    upload(caller, library, "a.md", content=BEES * 3)
    library.work()
    assert library.documents()["a.md"].error_code == "quota_exceeded"
    assert used(owner, QuotaKind.EMBEDDING) == tokens
    upload(caller, library, "b.md")
    library.work()
    assert library.documents()["b.md"].processed_status == "done"
    assert used(owner, QuotaKind.EMBEDDING) > tokens


def test_tokens_are_charged_before_they_are_embedded(owner: Person, library: Library, caller: Caller):
    """Deleting the document meanwhile gives nothing back."""
    upload(caller, library, "a.md")
    with pytest.MonkeyPatch.context() as patch:
        before(patch, default_embedder(), "embed", lambda: delete(library, *library_ids(library)))
        library.work()
    assert used(owner, QuotaKind.CHUNKS) == 0
    assert used(owner, QuotaKind.EMBEDDING) > 10


def library_ids(library: Library) -> list[UUID]:
    return [document.pk for document in library.documents().values()]


def test_events_of_a_day(owner: Person, viewer: Person, caller: Caller):
    """Nothing more is added; deleting and revoking stay possible."""
    made = caller.post("workspaces/", {"name": "First"}).json()
    limit(owner, QuotaKind.EVENTS, 1)
    assert_problem(caller.post("workspaces/", {"name": "Second"}), 429, "quota_exceeded")
    body = {"query": "bees"}
    answer = viewer.client.post("/api/v1/search/", body, content_type="application/json")
    assert_problem(answer, 429, "quota_exceeded")
    assert caller("delete", f"workspaces/{made['id']}/").status_code == 204
    assert caller("delete", f"api-keys/{caller.key.api_key.pk}/").status_code == 204


def test_kept_answers_of_a_day(owner: Person, caller: Caller):
    """Beyond the quota, a request is carried out once, and only its answer is not kept."""
    first = make_repeatably(caller, "A")
    size = used(owner, QuotaKind.KEPT_ANSWERS)
    assert size > 100
    limit(owner, QuotaKind.KEPT_ANSWERS, size * 2)
    later = [make_repeatably(caller, name) for name in ("B", "C")]
    assert [response.status_code for response in (first, *later)] == [201] * 3
    assert make_repeatably(caller, "A").json() == first.json()
    assert make_repeatably(caller, "B").json() == later[0].json()
    problem = assert_problem(make_repeatably(caller, "C"), 409, "answer_not_kept")
    assert later[1].json()["id"] in problem["detail"]
    assert len(caller.get("workspaces/").json()["results"]) == 3
    assert used(owner, QuotaKind.KEPT_ANSWERS) == size * 2


def test_workspace_and_key(owner: Person, library: Library, caller: Caller):
    workspace, other = library.reference.workspace_id, make_caller(owner)
    limit(owner, QuotaKind.DOCUMENTS, 2, workspace_id=workspace)
    limit(owner, QuotaKind.DOCUMENTS, 1, credential=caller.key.api_key.prefix)
    assert upload(caller, library, "a.md").status_code == 202
    problem = assert_problem(upload(caller, library, "b.md"), 429, "quota_exceeded")
    assert (problem["quota"]["of"], problem["quota"]["used"]) == ("API key", 1)
    assert upload(other, library, "b.md").status_code == 202
    problem = assert_problem(upload(other, library, "c.md"), 403, "quota_exceeded")
    assert (problem["quota"]["of"], problem["quota"]["used"]) == ("workspace", 2)
    elsewhere = get_or_create_reference(actor=owner.actor, workspace="Other", reference="Files")
    assert upload(other, replace(library, reference=elsewhere), "c.md").status_code == 202


def test_member_in_sessions_and_through_keys(owner: Person, library: Library, caller: Caller):
    member = make_member(owner.tenant_id, Role.ADMIN)
    own, others = make_caller(member), [caller, make_caller(owner)]
    limit(owner, QuotaKind.SEARCH, 3, user_id=member.user.pk)
    limit(owner, QuotaKind.DOCUMENTS, 1, user_id=member.user.pk)
    body = {"query": "bees"}
    assert (
        own.post("search/", body).status_code == make_caller(member).post("search/", body).status_code == 200
    )
    assert member.client.post("/api/v1/search/", body, content_type="application/json").status_code == 200
    problem = assert_problem(own.post("search/", body), 429, "quota_exceeded")
    assert (problem["quota"]["of"], problem["quota"]["used"]) == ("member", 3)
    assert problem["quota"]["resets_at"] > str(today())
    add_up_quotas()
    assert_problem(own.post("search/", body), 429, "quota_exceeded")
    assert {one.post("search/", body).status_code for one in others} == {200}
    assert upload(own, library, "a.md").status_code == 202
    problem = assert_problem(upload(own, library, "b.md"), 429, "quota_exceeded")
    assert (problem["quota"]["of"], problem["quota"]["used"]) == ("member", 1)
    assert upload(caller, library, "b.md").status_code == 202


def test_quota_that_is_nearly_used_up_is_warned_of(owner: Person, desk: Desk, caller: Caller):
    """Whoever's it is; the usage report has those of the reader, too."""
    limit(owner, QuotaKind.ANSWERS, 5, user_id=owner.user.pk)
    address, body = f"assistants/{desk.assistant.pk}/ask/", {"question": "Where are the flowers?"}
    warnings = [caller.post(address, body).json()["warnings"] for _ in range(5)]
    assert [len(one) for one in warnings] == [0, 0, 0, 1, 1]
    assert "4 of 5 are used" in warnings[3][0] and "of the member. It is reset at" in warnings[3][0]
    assert_problem(caller.post(address, body), 429, "quota_exceeded")
    quotas = caller.get("usage/").json()["quotas"]
    (found,) = [one for one in quotas if one["of"] == "member"]
    assert (found["kind"], found["used"], found["limit"]) == ("answers", 5, 5)


def test_concurrent_uploads_do_not_exceed_the_quota(owner: Person, library: Library, caller: Caller):
    limit(owner, QuotaKind.DOCUMENTS, 3)

    def send(number: int) -> int:
        try:
            return int(upload(caller, library, f"{number}.md").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(send, range(6)))
    assert statuses == [202, 202, 202, 403, 403, 403]
    assert used(owner, QuotaKind.DOCUMENTS) == len(library.documents()) == 3


def test_only_operators_set_the_quotas_of_the_organisation(owner: Person, operator: User, library: Library):
    page, fields = url(QuotaLimit, "add"), {"kind": "documents", "amount": 5}
    assert b"Only operators" in owner.client.post(page, fields, follow=True).content
    member = {**fields, "user_id": str(owner.user.pk)}
    both = {**member, "workspace_id": str(library.reference.workspace_id)}
    assert b"only one of them" in owner.client.post(page, both).content
    assert owner.client.post(page, member).status_code == 302
    assert owner.user.email in owner.client.get(url(QuotaLimit, "changelist")).content.decode()
    with tenant_scope(owner.tenant_id):
        QuotaLimit.objects.filter(user_id=owner.user.pk).delete_rows()
    workspace = {**fields, "workspace_id": str(library.reference.workspace_id)}
    assert owner.client.post(page, workspace).status_code == 302
    call_command("set_quota", "documents", "7", tenant=str(owner.tenant_id), stdout=StringIO())
    with tenant_scope(owner.tenant_id):
        limits = dict(QuotaLimit.objects.values_list("workspace_id", "amount"))
    assert limits == {None: 7, library.reference.workspace_id: 5}
    assert "0 of 7" in " ".join(owner.client.get("/admin/").content.decode().split())


LIMITED = re.compile(r"(?:limit\([a-z.]+, |kind=)QuotaKind\.(\w+)")


def test_every_kind_has_a_test():
    texts = [path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py")]
    limited = {name for text in texts for name in LIMITED.findall(text)}
    assert limited == {kind.name for kind in QuotaKind}
    assert set(settings.OYL_QUOTAS) == set(QuotaKind.values)


def test_words_of_a_vocabulary_are_charged_once(owner: Person, library: Library):
    make_tag(library, "insects", description="bees, ants and their colonies " * 5)
    library.add("a.md", BEES)
    with_words = used(owner, QuotaKind.EMBEDDING)
    library.add("b.md", BEES.replace("bees", "ants"))
    assert with_words > 2 * (used(owner, QuotaKind.EMBEDDING) - with_words) > 0


def test_texts_that_a_workflow_classifies_are_charged(owner: Person):
    labels = [{"name": name, "description": f"about {name}"} for name in ("bees", "rivers")]
    step = {"type": "classify", "config": {"text": "Bees make honey.", "labels": labels}}
    make_bench(owner).output(step)
    assert used(owner, QuotaKind.EMBEDDING) > 5


# Where the code embeds texts or searches vectors, and the test that it is charged.
COSTLY_CALLS = {
    ("knowledge/openai/embeddings.py", "embed"): test_tokens_of_embeddings_and_of_ingestion,
    ("knowledge/pipeline/embedding.py", "embed"): test_tokens_are_charged_before_they_are_embedded,
    ("knowledge/ingestion/vocabulary.py", "embed"): test_words_of_a_vocabulary_are_charged_once,
    ("knowledge/search/ranking.py", "cached_vector"): test_searches_of_a_day,
    ("knowledge/search/ranking.py", "vector_store().search"): test_searches_of_a_day,
    ("knowledge/search/passages.py", "search"): test_searches_of_a_day,
    ("workflows/steps/classify.py", "embed"): test_texts_that_a_workflow_classifies_are_charged,
    ("conversations/answering/extractive.py", "embed"): test_answers_of_a_day,
    ("conversations/answering/grounding.py", "embed"): test_answers_of_a_day,
    ("conversations/routing/profile_vectors.py", "embed"): test_choices_of_teammates_count_as_searches,
    (
        "conversations/routing/profile_vectors.py",
        "cached_vector",
    ): test_choices_of_teammates_count_as_searches,
}
# A definition, a check that operators run, and one of at most 200 questions before a reference changes its model.
NOT_OF_TENANTS = {
    ("knowledge/pipeline/embedding.py", "cached_vector"),
    ("oyl/doctor.py", "embed"),
    ("knowledge/reembedding/recall.py", "cached_vector"),
    ("knowledge/reembedding/recall.py", "vector_store().search"),
}
COSTS = re.compile(r"\.(embed)\(|\b(cached_vector)\b|(vector_store\(\)\.search)\(|\bstore\.(search)\(")


def test_every_call_that_costs_is_charged():
    """A new one needs a charge, and a test of it."""
    found = set()
    for config in oyl_apps():
        for path in Path(config.path).rglob("*.py"):
            for match in COSTS.finditer(path.read_text()):
                found.add((str(path.relative_to(settings.BASE_DIR)), next(filter(None, match.groups()))))
    assert found - NOT_OF_TENANTS == COSTLY_CALLS.keys()
