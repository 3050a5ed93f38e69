"""Triggers: what has happened starts a run, once."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from django.db import connection
from django.test import Client
from standardwebhooks import Webhook

from assistants.models import Assistant
from conversations.services.feedback import give_feedback
from core.isolation.scope import tenant_scope
from jobs.worker import work
from knowledge.services.changing import delete_documents
from knowledge.services.tags import tag_documents
from tests.conftest import Person
from tests.knowledge.libraries import BEES, make_library
from tests.support.api_client import assert_problem, make_caller
from tests.support.workflows import Studio
from tests.workflows.triggering import ECHO, EVERY_MINUTE, add_trigger, react
from workflows.models import Trigger, TriggerEvent, TriggerKind, WorkflowRun
from workflows.services.triggers import delete_trigger, save_trigger
from workflows.tasks import delete_old_trigger_events
from workflows.triggers import webhooks
from workflows.triggers.handler import EventHandler
from workflows.triggers.schedules import next_tick
from workspaces.models import Workspace


def runs_of(trigger: Trigger) -> list[WorkflowRun]:
    with tenant_scope(UUID(str(trigger.tenant_id))):
        return list(WorkflowRun.objects.filter(trigger=trigger).order_by("created_at"))


def let_tick(trigger: Trigger, ago: timedelta) -> datetime:
    """The waiting tick is one that was due so long ago."""
    tick = datetime.now(UTC) - ago
    with tenant_scope(UUID(str(trigger.tenant_id))):
        TriggerEvent.objects.filter(trigger=trigger, state="queued").update(
            available_at=tick, key=tick.isoformat(), payload_json={"tick": tick.isoformat()}
        )
    return tick


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["*/40 * * * *", "30 2 * * *", "15 1-3 * * *", "0 8 * * 1"])
def test_ticks_of_a_year_are_those_of_the_library(zone: str, cron: str):
    """Each tick is found from the one before, as it is when it fires, with both changes of the clock."""
    begin = datetime(2027, 1, 1, tzinfo=ZoneInfo(zone))
    expected = [tick.astimezone(UTC) for tick in islice(CronSim(cron, begin), 10_000)]
    expected = [tick for tick in expected if tick < datetime(2028, 1, 1, tzinfo=UTC)]
    found: list[datetime] = []
    for _ in expected:
        tick = next_tick({"cron": cron, "timezone": zone}, found[-1] if found else begin)
        assert tick is not None
        found.append(tick)
    assert found == expected
    assert len(set(found)) == len(found)


def test_a_tick_starts_one_run_however_many_workers_there_are(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, EVERY_MINUTE)
    tick = let_tick(trigger, timedelta(seconds=1))

    def beat(_: int) -> int:
        try:
            return work(EventHandler(), studio.tenant_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as beats:
        assert sum(beats.map(beat, range(10))) == 1
    assert [run.input_json for run in runs_of(trigger)] == [{"tick": tick.isoformat()}]
    with tenant_scope(studio.tenant_id):
        waiting = TriggerEvent.objects.get(trigger=trigger, state="queued")
        trigger.refresh_from_db()
    assert waiting.available_at == trigger.next_at
    assert waiting.available_at > datetime.now(UTC)
    assert trigger.last_at is not None


@pytest.mark.parametrize(("missed", "count"), [("run_once", 1), ("skip", 0)])
def test_missed_ticks_run_once_or_not(studio: Studio, missed: str, count: int):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, {**EVERY_MINUTE, "missed": missed})
    let_tick(trigger, timedelta(hours=3))
    assert react(studio) == 1
    assert len(runs_of(trigger)) == count
    with tenant_scope(studio.tenant_id):
        assert TriggerEvent.objects.filter(trigger=trigger, state="queued").count() == 1


def test_without_overlap_a_run_waits_for_the_end_of_the_last_one(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, {**EVERY_MINUTE, "overlap": False})
    for expected in (1, 1):
        let_tick(trigger, timedelta(seconds=1))
        react(studio)
        assert len(runs_of(trigger)) == expected
    studio.work()
    let_tick(trigger, timedelta(seconds=1))
    react(studio)
    assert len(runs_of(trigger)) == 2


def test_a_schedule_that_is_off_or_deleted_does_not_tick(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, EVERY_MINUTE)
    trigger.is_enabled = False
    save_trigger(trigger, actor=studio.person.actor)
    assert trigger.next_at is None
    trigger.is_enabled = True
    save_trigger(trigger, actor=studio.person.actor)
    assert trigger.next_at is not None
    delete_trigger(trigger, actor=studio.person.actor)
    with tenant_scope(studio.tenant_id):
        assert not TriggerEvent.objects.filter(trigger=trigger).exists()


def test_a_trigger_says_why_it_started_no_run(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.SCHEDULE, {**EVERY_MINUTE, "input": "'no object'"})
    let_tick(trigger, timedelta(seconds=1))
    react(studio)
    with tenant_scope(studio.tenant_id):
        trigger.refresh_from_db()
    assert "must be a JSON object" in trigger.error_detail
    assert trigger.next_at is not None


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        (TriggerKind.SCHEDULE, {"cron": "61 * * * *", "timezone": "Europe/Berlin"}, "cron"),
        (TriggerKind.SCHEDULE, {"cron": "0 0 31 2 *", "timezone": "Europe/Berlin"}, "cron"),
        (TriggerKind.SCHEDULE, {"cron": "* * * * * *", "timezone": "Europe/Berlin"}, "five fields"),
        (TriggerKind.SCHEDULE, {"cron": "* * * * *", "timezone": "Mars/Phobos"}, "time zone"),
        (TriggerKind.WEBHOOK, {"input": "input."}, "input"),
        (TriggerKind.DOCUMENT, {"events": ["eaten"]}, "events"),
        (TriggerKind.FEEDBACK, {"rating": ["up"]}, "ratings"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_place(
    studio: Studio, kind: TriggerKind, config: dict[str, Any], words: str
):
    workflow = studio.published(ECHO)
    response = studio.person.client.post(
        "/api/v1/triggers/",
        {"workflow": workflow.pk, "name": "T", "kind": kind, "config_json": config},
        content_type="application/json",
    )
    assert response.status_code == 422
    assert words in json.dumps(response.json())


def test_a_webhook_starts_one_run_for_each_message(studio: Studio, client: Client):
    trigger = add_trigger(studio, TriggerKind.WEBHOOK, {"input": "{'subject': input.body.subject}"})
    path = webhooks.address_of(trigger).partition("/api/")[2]
    for _ in range(2):
        response = client.post(
            f"/api/{path}", {"subject": "Hi"}, content_type="application/json", headers={"webhook-id": "m1"}
        )
        assert response.status_code == 202, response.content
    react(studio)
    assert [run.input_json for run in runs_of(trigger)] == [{"subject": "Hi"}]


def test_a_webhook_refuses_what_is_not_for_it(studio: Studio, client: Client):
    trigger = add_trigger(studio, TriggerKind.WEBHOOK, {"signed": True})
    path = "/api/" + webhooks.address_of(trigger).partition("/api/")[2]
    body, signer = '{"a": 1}', Webhook(webhooks.secret_of(trigger))

    def send(path: str, at: datetime, body: str = body, signed: str = body) -> int:
        headers = {
            "webhook-id": str(uuid4()),
            "webhook-timestamp": str(int(at.timestamp())),
        }
        headers["webhook-signature"] = signer.sign(headers["webhook-id"], at, signed)
        return client.post(path, body, content_type="application/json", headers=headers).status_code

    now = datetime.now(UTC)
    assert send(path, now) == 202
    assert send(path, now, body='{"a": 2}') == 403
    assert send(path, now - timedelta(hours=1)) == 403
    assert client.post(path, body, content_type="application/json").status_code == 403
    other = add_trigger(studio, TriggerKind.WEBHOOK, {})
    assert send(path.replace(str(trigger.pk), str(other.pk)), now) == 404
    large = json.dumps("x" * webhooks.MAX_BYTES)
    assert send(path, now, body=large, signed=large) in (401, 413)
    assert send(path, now, body="{", signed="{") == 400
    trigger.is_enabled = False
    save_trigger(trigger, actor=studio.person.actor)
    assert send(path, now) == 404


def test_the_secret_of_a_webhook_is_shown_once_and_replaced_with_the_address(studio: Studio, client: Client):
    caller, workflow = make_caller(studio.person), studio.published(ECHO)
    made = caller.post("triggers/", {"workflow": str(workflow.pk), "name": "Hook", "kind": "webhook"}).json()
    assert made["webhook_secret"].startswith("whsec_")
    shown = caller.get(f"triggers/{made['id']}/").json()
    assert shown["webhook_url"] == made["webhook_url"]
    assert "webhook_secret" not in shown

    def send(url: str) -> int:
        path = "/api/" + url.partition("/api/")[2]
        return client.post(path, {}, content_type="application/json").status_code

    assert send(made["webhook_url"]) == 202
    new = caller.post(f"triggers/{made['id']}/replace_secret/", {}).json()
    assert new["webhook_secret"] != made["webhook_secret"]
    assert [send(made["webhook_url"]), send(new["webhook_url"])] == [404, 202]
    before, after = (url.rstrip("/").rpartition("/")[2] for url in (made["webhook_url"], new["webhook_url"]))
    for forged in (f"1.{before.partition('.')[2]}", after.partition(".")[2], f"{'9' * 400}.x", "x"):
        assert send(new["webhook_url"].replace(after, forged)) == 404
    schedule = add_trigger(studio, TriggerKind.SCHEDULE, EVERY_MINUTE)
    assert_problem(caller.post(f"triggers/{schedule.pk}/replace_secret/", {}), 409, "no_webhook")


def test_a_webhook_has_a_limit_of_requests(studio: Studio, client: Client, settings: Any):
    settings.WORKFLOW_WEBHOOK_REQUESTS = 2
    trigger = add_trigger(studio, TriggerKind.WEBHOOK, {})
    path = "/api/" + webhooks.address_of(trigger).partition("/api/")[2]
    statuses = [client.post(path, {}, content_type="application/json").status_code for _ in range(3)]
    assert statuses == [202, 202, 429]


def test_events_of_documents_start_runs_for_those_that_a_trigger_names(owner: Person, tmp_path: Path):
    library = make_library(owner, tmp_path)
    with tenant_scope(owner.tenant_id):
        studio = Studio(owner, Workspace.objects.get(pk=library.reference.workspace_id))
    every = {"events": ["done", "error", "tagged", "deleted"]}
    everything = add_trigger(studio, TriggerKind.DOCUMENT, every)
    tagged = add_trigger(studio, TriggerKind.DOCUMENT, {**every, "tags": ["urgent"]})
    elsewhere = add_trigger(studio, TriggerKind.DOCUMENT, {**every, "references": [str(uuid4())]})
    texts = add_trigger(studio, TriggerKind.DOCUMENT, {**every, "mime_types": ["text/markdown"]})
    document = library.add("bees.md", BEES)
    tag_documents(actor=owner.actor, document_ids=[document.pk], tags=["urgent"])
    library.add("bad.pdf", b"%PDF-1.4 nothing")
    delete_documents(actor=owner.actor, document_ids=[document.pk])
    react(studio)
    events = [(run.input_json["event"], run.input_json["filename"]) for run in runs_of(everything)]
    expected = [("done", "bees.md"), ("tagged", "bees.md"), ("error", "bad.pdf"), ("deleted", "bees.md")]
    assert sorted(events) == sorted(expected)
    assert sorted(run.input_json["event"] for run in runs_of(tagged)) == ["deleted", "tagged"]
    assert sorted(run.input_json["event"] for run in runs_of(texts)) == ["deleted", "done", "tagged"]
    assert runs_of(elsewhere) == []


def test_runs_that_add_documents_for_each_other_come_to_an_end(owner: Person, tmp_path: Path):
    """Also those of files in archives, which a worker adds."""
    library = make_library(owner, tmp_path)
    reference = str(library.reference.pk)
    with tenant_scope(owner.tenant_id):
        studio = Studio(owner, Workspace.objects.get(pk=library.reference.workspace_id))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("bees.md", BEES)
    ingest = {
        "reference": reference,
        "external_id": "{{ run.id }}.zip",
        "base64": f"'{base64.b64encode(archive.getvalue()).decode()}'",
    }
    config = {"events": ["done"], "references": [reference], "mime_types": ["text/markdown"]}
    trigger = add_trigger(
        studio, TriggerKind.DOCUMENT, config, steps=[{"key": "add", "type": "ingest", "config": ingest}]
    )
    library.add("first.md", BEES)
    while react(studio) + studio.work():
        library.work()
    assert [run.rounds for run in runs_of(trigger)] == [0, 1, 2, 3, 4, 5]
    with tenant_scope(studio.tenant_id):
        trigger.refresh_from_db()
    assert "Give the trigger a filter" in trigger.error_detail


def test_events_are_deleted_a_month_after_they_have_ended(studio: Studio, client: Client):
    trigger = add_trigger(studio, TriggerKind.WEBHOOK, {})
    path = "/api/" + webhooks.address_of(trigger).partition("/api/")[2]
    for name in ("old", "young", "waiting"):
        client.post(path, {}, content_type="application/json", headers={"webhook-id": name})
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with tenant_scope(studio.tenant_id):
        events = TriggerEvent.objects.filter(trigger=trigger)
        events.exclude(key="webhook waiting").update(state="done", finished_at=datetime.now(UTC))
        events.filter(key="webhook old").update(finished_at=long_ago)
        events.update(created_at=long_ago)
    assert delete_old_trigger_events() >= 1
    with tenant_scope(studio.tenant_id):
        assert sorted(events.values_list("key", flat=True)) == ["webhook waiting", "webhook young"]


def test_what_is_rolled_back_starts_nothing(owner: Person, tmp_path: Path):
    library = make_library(owner, tmp_path)
    with tenant_scope(owner.tenant_id):
        studio = Studio(owner, Workspace.objects.get(pk=library.reference.workspace_id))
    trigger = add_trigger(studio, TriggerKind.DOCUMENT, {"events": ["deleted"]})
    document = library.add("bees.md", BEES)
    with pytest.raises(ZeroDivisionError), tenant_scope(owner.tenant_id):
        delete_documents(actor=owner.actor, document_ids=[document.pk])
        raise ZeroDivisionError
    with tenant_scope(owner.tenant_id):
        assert not TriggerEvent.objects.filter(trigger=trigger).exists()


def test_bad_feedback_starts_a_run_and_good_feedback_none(studio: Studio):
    trigger = add_trigger(studio, TriggerKind.FEEDBACK, {"ratings": ["down"]})
    with tenant_scope(studio.tenant_id):
        assistant = Assistant.objects.create(workspace=studio.workspace, name="Guide")
    answers = [asked(studio, assistant, question) for question in ("Who?", "Why?")]
    for answer, rating in zip(answers, ("up", "down"), strict=True):
        give_feedback(actor=studio.person.actor, message=answer, rating=rating, comment="Hm")
    react(studio)
    (run,) = runs_of(trigger)
    assert (run.input_json["question"], run.input_json["rating"]) == ("Why?", "down")
    assert run.input_json["comment"] == "Hm"


def asked(studio: Studio, assistant: Assistant, question: str) -> UUID:
    """The answer to a question."""
    caller = studio.person.client
    response = caller.post(
        f"/api/v1/assistants/{assistant.pk}/ask/", {"question": question}, content_type="application/json"
    )
    assert response.status_code == 200, response.content
    return UUID(response.json()["message_id"])
