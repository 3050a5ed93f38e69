"""Webhooks over REST and in the admin: who may make them, and what is shown of their secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from core.isolation.scope import tenant_scope
from core.permissions import Role
from tests.conftest import make_member
from tests.knowledge.libraries import BEES
from tests.support.api_client import assert_problem, make_caller
from tests.webhooks.conftest import Line
from webhooks.models import WebhookSubscription


def body(line: Line, **changes: Any) -> dict[str, Any]:
    workspace = str(line.library.reference.workspace_id)
    given = {"workspace": workspace, "name": "Second", "url": f"{line.service.url}/x?token=T0P"}
    return {**given, "events": ["document.indexed"], **changes}


def test_made_by_rest_tested_changed_and_rotated(line: Line):
    caller = make_caller(line.person)
    made = caller.post("webhooks/", body(line))
    assert made.status_code == 201, made.content
    webhook, path = made.json(), f"webhooks/{made.json()['id']}/"
    assert webhook["host"] == "127.0.0.1" and "T0P" not in made.content.decode()
    assert caller.get(path).json()["secret"] == ""
    tested = caller.post(f"{path}test/", {})
    assert (tested.status_code, tested.json()["status"]) == (200, 200)
    _, _, headers, sent = line.service.requests[-1]
    assert Webhook(webhook["secret"]).verify(sent, headers)["type"] == "webhook.test"
    assert caller("patch", path, {"events": ["document.failed"]}).json()["secret"] == ""
    rotated = caller.post(f"{path}rotate-secret/", {}).json()["secret"]
    assert rotated.startswith("whsec_") and rotated != webhook["secret"]
    assert caller("delete", path).status_code == 204


def test_deliveries_are_read_and_replayed_by_rest(line: Line):
    caller = make_caller(line.person)
    line.library.add("bees.md", BEES)
    line.deliver()
    rows = caller.get(f"webhook-deliveries/?subscription={line.subscription.pk}").json()["results"]
    assert [one["type"] for one in rows] == ["document.indexed", "documents.added"]
    attempts = caller.get(f"webhook-attempts/?delivery={rows[0]['id']}").json()["results"]
    assert [one["status"] for one in attempts] == [200]
    assert caller.post(f"webhook-deliveries/{rows[0]['id']}/replay/", {}).json()["state"] == "queued"
    assert_problem(caller.post(f"webhook-deliveries/{rows[0]['id']}/replay/", {}), 409, "delivery_state")
    assert line.deliver() == 1
    assert_problem(caller.post(f"webhook-deliveries/{rows[0]['id']}/cancel/", {}), 409, "delivery_state")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://example.org/"}, ""),
        ({"url": "https://ada:secret@example.org/"}, ""),
        ({"url": ""}, "url"),
        ({"events": []}, "events"),
        ({"events": ["document.eaten"]}, "events"),
        ({"name": "Mirror"}, "name"),
    ],
)
def test_what_is_wrong_is_refused(line: Line, changes: dict[str, Any], field: str):
    response = make_caller(line.person).post("webhooks/", body(line, **changes))
    assert response.status_code == 422, response.content
    assert not field or field in json.dumps(response.json()["errors"])


def test_key_subscribes_to_what_it_may_read_only(line: Line):
    caller = make_caller(line.person, scopes=["webhooks:write", "knowledge:read"])
    assert caller.post("webhooks/", body(line)).status_code == 201
    refused = caller.post("webhooks/", body(line, name="Third", events=["question.asked"]))
    assert refused.status_code == 403 and "conversations:read" in refused.json()["detail"]


def test_a_key_gets_no_secret_of_messages_that_it_may_not_read(line: Line):
    made = make_caller(line.person).post("webhooks/", body(line)).json()
    blind = make_caller(line.person, scopes=["webhooks:write"])
    assert_problem(blind.post(f"webhooks/{made['id']}/rotate-secret/", {}), 403, "forbidden")


def test_editor_sees_no_webhooks(line: Line):
    editor = make_member(line.tenant_id, Role.EDITOR)
    assert editor.client.get("/api/v1/webhooks/").status_code == 403
    assert editor.client.get("/admin/webhooks/webhooksubscription/").status_code == 403
    assert editor.client.get("/admin/webhooks/webhookdelivery/").status_code == 403


def test_admin_makes_one_and_sees_its_secret_once(line: Line):
    client = line.person.client
    given = {
        "workspace": line.library.reference.workspace_id,
        "name": "By hand",
        "url": f"{line.service.url}/hand?token=T0P",
        "events_json": ["document.indexed", "documents.deleted"],
        "is_enabled": "on",
    }
    answer = client.post("/admin/webhooks/webhooksubscription/add/", given, follow=True)
    shown = answer.content.decode()
    assert "whsec_" in shown
    assert "whsec_" not in client.get("/admin/shown-once/").content.decode()
    with tenant_scope(line.tenant_id):
        made = WebhookSubscription.objects.get(name="By hand")
    page = client.get(f"/admin/webhooks/webhooksubscription/{made.pk}/change/").content.decode()
    assert "T0P" not in page and "127.0.0.1" in page
    changed = {**given, "url": "", "name": "Renamed"}
    client.post(f"/admin/webhooks/webhooksubscription/{made.pk}/change/", changed)
    tested = client.get(f"/admin/webhooks/webhooksubscription/{made.pk}/test/", follow=True)
    assert "The receiver took the test" in tested.content.decode()
    assert line.service.requests[-1][1] == "/hand?token=T0P"


def test_admin_reads_a_delivery_and_sends_it_again(line: Line):
    line.answer(500)
    line.library.add("bees.md", BEES)
    line.deliver()
    client, first = line.person.client, line.deliveries()[0]
    page = client.get(f"/admin/webhooks/webhookdelivery/{first.pk}/change/").content.decode()
    assert "Here is the receiver." in page and "webhook-signature" in page
    client.post(f"/admin/webhooks/webhookdelivery/{first.pk}/cancel/", {"_form_submitted": "True"})
    line.answer(200)
    line.deliver()
    client.post(f"/admin/webhooks/webhookdelivery/{first.pk}/replay/", {"_form_submitted": "True"})
    line.deliver()
    assert line.types() == ["documents.added", "document.indexed", "documents.added"]
