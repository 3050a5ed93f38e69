"""What events keep of long values."""

from __future__ import annotations

import hashlib
from typing import Any

from django.apps import apps
from django.db import connection

from assistants.models import Assistant
from audit.models import AuditLog
from audit.payloads import EXCERPT_LENGTH, MAX_ITEMS, shortened_payload
from audit.sealing import seal
from audit.verification import verify
from core.bounded_fields import BoundedTextField
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.support.api_client import make_caller


def event_of(person: Person, action: str) -> AuditLog:
    with tenant_scope(person.tenant_id):
        event: AuditLog = AuditLog.objects.filter(action=action).latest("created_at")
    return event


def search(person: Person, query: str, **options: int) -> Any:
    body = {"query": query, **options}
    return person.client.post("/api/v1/search/", body, content_type="application/json")


def excerpt(text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"excerpt": text[:EXCERPT_LENGTH], "characters": len(text), "sha256": digest}


def test_search_of_a_viewer_leaves_a_small_event(viewer: Person):
    query = "bee " * 2497
    assert search(viewer, query, limit=1000).status_code == 200
    event = event_of(viewer, "search.performed")
    assert event.payload_json["query"] == excerpt(query.strip())
    with tenant_scope(viewer.tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT octet_length(payload_json::text) FROM audit_logs WHERE id = %s", [event.pk])
        assert cursor.fetchone()[0] < 4_000


def test_long_query_is_refused(viewer: Person):
    answer = search(viewer, "x" * 10_001)
    assert answer.status_code == 422 and "10000" in answer.content.decode()


def test_description_is_shortened_and_the_chain_stays_valid(owner: Person):
    caller, text = make_caller(owner), "ä" * 9_000
    made = caller.post("workspaces/", {"name": "Big", "description": text}).json()
    caller("patch", f"workspaces/{made['id']}/", {"description": "short"})
    assert event_of(owner, "workspace.created").payload_json["new"]["description"] == excerpt(text)
    changed = event_of(owner, "workspace.changed").payload_json
    assert (changed["old"]["description"], changed["new"]["description"]) == (excerpt(text), "short")
    seal(owner.tenant_id)
    report = verify(owner.tenant_id)
    assert (report.problem, report.unsealed) == (None, 0)


def test_whole_instructions_can_be_restored_from_events(owner: Person):
    """The new text is whole, and the old one is the new one of an earlier event."""
    caller, old, new = make_caller(owner), "a" * 90_000, "b" * 90_000
    workspace = caller.post("workspaces/", {"name": "Main"}).json()["id"]
    made = caller.post("assistants/", {"workspace": workspace, "name": "Bee", "instruction": old}).json()
    caller("patch", f"assistants/{made['id']}/", {"instruction": new})
    created, changed = (event_of(owner, f"assistant.{verb}").payload_json for verb in ("created", "changed"))
    assert (created["new"]["instruction"], changed["new"]["instruction"]) == (old, new)
    assert changed["old"]["instruction"] == excerpt(old)


def test_texts_that_events_keep_whole_are_instructions():
    whole = {
        f"{model._meta.db_table}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, BoundedTextField) and field.kept_in_events
    }
    assert whole == {"assistants.instruction", "assistants.ai_instruction", "instructions.system_prompt"}
    assert Assistant._meta.get_field("instruction").max_length == 100_000


def test_lists_and_objects_are_shortened():
    ids = [str(number) for number in range(MAX_ITEMS + 1)]
    payload = shortened_payload(
        {"hits": ids, "new": {"config": {"x": "y" * 2000}, "ids": ids, "short": [1, {"a": None}]}, "n": 1.5}
    )
    assert payload["hits"]["first"] == ids[:-1] and payload["hits"]["count"] == MAX_ITEMS + 1
    assert payload["new"]["config"]["characters"] == 2008
    assert payload["new"]["ids"]["count"] == MAX_ITEMS + 1
    assert payload["new"]["short"] == [1, {"a": None}] and payload["n"] == 1.5
