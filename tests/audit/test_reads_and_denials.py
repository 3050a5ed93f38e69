"""Reading texts, the audit log and the members is in the audit log, and so are refused requests: once an hour for each
credential and object."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from audit.models import AuditLog
from audit.sealing import seal
from audit.verification import verify
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Chunk
from tenants.models import Membership
from tests.conftest import Person, make_member
from tests.knowledge.libraries import BEES, Library, make_library
from tests.support.admin_pages import url
from tests.support.api_client import Caller, make_caller


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path)


def events(tenant_id: UUID, *actions: str) -> Counter[Any]:
    """{(action, object): number of events}"""
    with tenant_scope(tenant_id):
        rows = AuditLog.objects.filter(action__in=actions or ["document.read"])
        return Counter(rows.values_list("action", "object_id"))


# {way: (door, address)}
WAYS = {
    "text": ("api", "documents/{document}/text/"),
    "list of chunks": ("api", "chunks/?document={document}"),
    "all chunks": ("api", "chunks/"),
    "chunk": ("api", "chunks/{chunk}/"),
    "content of a vector store's file": ("v1", "/v1/vector_stores/{reference}/files/{document}/content"),
    "admin's document": ("admin", "/admin/knowledge/document/{document}/change/"),
    "admin's passages": ("admin", "/admin/knowledge/chunk/"),
    "admin's passage": ("admin", "/admin/knowledge/chunk/{chunk}/change/"),
}


def test_each_way_to_read_a_text_is_an_event(owner: Person, library: Library):
    document = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        chunk = Chunk.objects.get(document=document)
    for way, (door, template) in WAYS.items():
        reader = make_member(owner.tenant_id, Role.ADMIN)
        caller, before = make_caller(reader), events(owner.tenant_id)
        stores = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
        get: Any = {"api": caller.get, "v1": stores.get, "admin": reader.client.get}[door]
        answer = get(template.format(document=document.pk, chunk=chunk.pk, reference=document.reference_id))
        assert answer.status_code == 200 and b"Honey bees" in answer.content, way
        assert events(owner.tenant_id) - before == Counter({("document.read", document.pk): 1}), way


def test_reading_is_recorded_once_an_hour_for_each_credential_and_document(
    owner: Person, library: Library, monkeypatch: pytest.MonkeyPatch
):
    bees, more = library.add("bees.md", BEES), library.add("more.md", BEES)
    first, second = make_caller(owner), make_caller(owner)
    for caller in (first, first, second):
        for document in (bees, more):
            assert caller.get(f"documents/{document.pk}/text/").status_code == 200
    expected = {("document.read", bees.pk): 2, ("document.read", more.pk): 2}
    assert events(owner.tenant_id) == expected
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr("audit.hourly.timezone.now", lambda: later)
    first.get(f"documents/{bees.pk}/text/")
    assert events(owner.tenant_id) == {**expected, ("document.read", bees.pk): 3}


def test_concurrent_readings_are_one_event_and_the_log_verifies(owner: Person, library: Library):
    document, caller = library.add("bees.md", BEES), make_caller(owner)

    def read() -> int:
        try:
            return int(caller.get(f"chunks/?document={document.pk}").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: read(), range(8)))
    assert statuses == [200] * 8
    assert events(owner.tenant_id) == {("document.read", document.pk): 1}
    seal(owner.tenant_id)
    assert verify(owner.tenant_id).problem is None


def test_an_absent_text_is_not_read(owner: Person, stranger: Person, library: Library):
    document = library.add("bees.md", BEES)
    assert make_caller(stranger).get(f"documents/{document.pk}/text/").status_code == 404
    assert events(owner.tenant_id) == events(stranger.tenant_id) == {}


@pytest.mark.parametrize("model", [AuditLog, Membership])
def test_reading_the_audit_log_and_the_members_is_an_event(owner: Person, caller: Caller, model: Any):
    noun, route = {AuditLog: ("audit_log", "audit-logs"), Membership: ("members", "members")}[model]
    with tenant_scope(owner.tenant_id):
        pk = model.objects.order_by("pk")[0].pk
    for path in (f"{route}/", f"{route}/{pk}/", f"{route}/"):
        assert caller.get(path).status_code == 200
    assert events(owner.tenant_id, f"{noun}.read") == {(f"{noun}.read", None): 1}
    for page in (url(model, "changelist"), url(model, "change", pk)):
        assert owner.client.get(page).status_code == 200
    assert events(owner.tenant_id, f"{noun}.read") == {(f"{noun}.read", None): 2}


def test_refusals_of_roles_scopes_and_bindings_are_events(owner: Person, viewer: Person):
    narrow = make_caller(owner, ["audit:read"])
    place = make_caller(owner).post("workspaces/", {"name": "One"}).json()["id"]
    bound = make_caller(owner, bound=("workspace", place))
    for _ in range(3):
        assert narrow.get("documents/").status_code == 403
        assert bound.get("members/").status_code == 403
        assert viewer.client.get(url(AuditLog, "changelist")).status_code == 403
    with tenant_scope(owner.tenant_id):
        rows = AuditLog.objects.filter(action="request.denied").order_by("created_at")
        denied = [(row.payload_json["code"], row.payload_json["actor"]["credential"]) for row in rows]
    prefixes = [caller.key.api_key.prefix for caller in (narrow, bound)]
    assert denied == [("scope_missing", prefixes[0]), ("key_bound", prefixes[1]), ("forbidden", "session")]


def test_a_client_that_is_always_refused_does_not_fill_the_log(owner: Person):
    narrow = make_caller(owner, ["audit:read"])
    for number in range(20):
        assert narrow.get(f"documents/?limit={number + 1}").status_code == 403
        assert narrow.get(f"documents/{owner.tenant_id}/").status_code == 403
    assert sum(events(owner.tenant_id, "request.denied").values()) == 2
