"""Quotas through the doors, with small limits."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.isolation.scope import tenant_scope
from core.models import QuotaLimit, QuotaUse
from core.quota_kinds import QuotaKind
from core.quotas import standings
from core.tasks import add_up_quotas, correct_quotas
from knowledge.models import Document
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.api_client import Caller, assert_problem, make_caller


def limit(person: Person, kind: QuotaKind, amount: int, **subject: Any) -> None:
    with tenant_scope(person.tenant_id):
        QuotaLimit.objects.create(kind=kind, amount=amount, **subject)


def used(person: Person, kind: QuotaKind) -> int:
    with tenant_scope(person.tenant_id):
        return next(one.used for one in standings() if one.kind == kind)


@pytest.fixture
def library(owner: Person, tmp_path) -> Library:
    return make_library(owner, tmp_path / "own")


def upload(caller: Caller, library: Library, *names: str, content: str = BEES) -> Any:
    files = [SimpleUploadedFile(name, content.encode()) for name in names]
    return caller.upload(reference=library.reference.pk, files=files)


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
        rows = QuotaUse.objects.values_list("kind", "day", "workspace_id", "credential")
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
