"""What is sent to webhooks: what has happened, all of it, in its order, signed, and until it is taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import connection
from standardwebhooks import Webhook

from audit.models import AuditLog, AuditSeal
from audit.sealing import seal
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from jobs.worker import work_for_any_tenant
from knowledge.services.changing import delete_documents
from knowledge.services.references import get_or_create_reference
from knowledge.services.tags import tag_documents
from tests.conftest import Person, make_owner
from tests.knowledge.libraries import BEES, RIVERS, make_library
from tests.support.jobs import postpone_due_jobs
from tests.support.model_server import running
from tests.webhooks.conftest import Line, subscribe
from tests.workflows.conftest import ServiceServer
from webhooks import services
from webhooks.models import WebhookDelivery
from webhooks.tasks import KEPT, delete_old


def test_events_are_sent_in_their_order_signed_and_without_texts(line: Line):
    document = line.library.add("bees.md", BEES)
    tag_documents(actor=line.person.actor, document_ids=[document.pk], tags=["urgent"])
    delete_documents(actor=line.person.actor, document_ids=[document.pk])
    line.deliver()
    assert line.types() == ["documents.added", "document.indexed", "documents.tagged", "documents.deleted"]
    numbers = [one["data"]["id"] for one in line.received()]
    assert numbers == sorted(numbers)
    with tenant_scope(line.tenant_id):
        seals = AuditSeal.objects.filter(sequence__in=numbers).order_by("sequence")
        assert [one.audit_log.action for one in seals] == line.types()
    for method, path, headers, body in line.service.requests:
        assert (method, path, headers["content-type"]) == ("POST", "/hook", "application/json")
        message = Webhook(line.secret).verify(body, headers)
        assert message["data"]["documents"] == [str(document.pk)]
        assert message["data"]["workspace"] == str(line.library.reference.workspace_id)
        assert b"bees" not in body and b"urgent" not in body
    assert {one.state for one in line.deliveries()} == {JobState.DONE}
    assert line.reread().last_success_at is not None
    assert line.deliver() == 0


def test_texts_are_sent_if_asked_for_and_kept_nowhere(line: Line):
    line.subscription.with_texts = True
    services.save_subscription(actor=line.person.actor, subscription=line.subscription)
    document = line.library.add("bees.md", BEES)
    line.deliver()
    texts = line.received()[0]["data"]["texts"]["documents"]
    assert [(one["id"], one["filename"]) for one in texts] == [(str(document.pk), "bees.md")]
    with tenant_scope(line.tenant_id):
        kept = [*WebhookDelivery.objects.values_list("data_json", flat=True)]
    assert "bees" not in json.dumps(kept)


def test_what_is_rolled_back_is_not_sent(line: Line):
    document = line.library.add("bees.md", BEES)
    with pytest.raises(ZeroDivisionError), tenant_scope(line.tenant_id):
        delete_documents(actor=line.person.actor, document_ids=[document.pk])
        raise ZeroDivisionError
    line.deliver()
    assert "documents.deleted" not in line.types()


def test_only_the_workspace_and_the_chosen_events_are_sent(line: Line, service: ServiceServer):
    other = get_or_create_reference(actor=line.person.actor, workspace="Other", reference="Files")
    line.subscription.events_json = ["documents.deleted"]
    services.save_subscription(actor=line.person.actor, subscription=line.subscription)
    documents = [line.library.add("bees.md", BEES), line.library.add("rivers.md", RIVERS)]
    from knowledge.models import Document

    with tenant_scope(line.tenant_id):
        Document.objects.filter(pk=documents[1].pk).update(reference=other)
    delete_documents(actor=line.person.actor, document_ids=[one.pk for one in documents])
    line.deliver()
    assert [(one["type"], one["data"]["documents"]) for one in line.received()] == [
        ("documents.deleted", [str(documents[0].pk)])
    ]


def test_message_that_is_not_taken_is_retried_and_the_later_ones_wait(line: Line):
    line.answer(500)
    line.library.add("bees.md", BEES)
    assert line.deliver() == 1
    first, second = line.deliveries()
    assert (first.state, first.error_code, second.state) == (
        JobState.QUEUED,
        "webhook_status",
        JobState.WAITING,
    )
    wait = (first.available_at - first.updated_at).total_seconds()  # type: ignore[operator]
    assert 1 < wait < 3
    assert line.reread().failing_since is not None
    line.end_waits()
    line.deliver()
    line.answer(204)
    line.end_waits()
    line.deliver()
    ids = [headers["webhook-id"] for _, _, headers, _ in line.service.requests]
    assert len(ids) == 4
    assert len(set(ids[:3])) == 1 and ids[3] != ids[0]
    assert line.types() == [*["documents.added"] * 3, "document.indexed"]
    attempts = [(one.status, one.succeeded) for one in line.attempts()]
    assert attempts == [(500, False), (500, False), (204, True), (204, True)]
    assert line.attempts()[0].response_text == "Here is the receiver."
    assert line.reread().failing_since is None


def test_waits_grow_to_an_hour(line: Line):
    line.answer(503)
    line.library.add("bees.md", BEES)
    line.deliver()
    waits = []
    for _ in range(8):
        line.end_waits()
        line.deliver()
        first = line.deliveries()[0]
        waits.append((first.available_at - first.updated_at).total_seconds())  # type: ignore[operator]
    assert 6 <= waits[0] <= 10
    assert all(0.75 * 3600 <= wait <= 1.25 * 3600 for wait in waits[-2:])


def test_after_three_days_it_is_switched_off_with_a_notice_and_goes_on_later(line: Line):
    line.answer(500)
    line.library.add("bees.md", BEES)
    line.deliver()
    for older in [timedelta(0)] * 4 + [timedelta(days=2, hours=23), timedelta(hours=2)]:
        assert line.reread().is_enabled
        line.end_waits(older)
        line.deliver()
    subscription = line.reread()
    assert not subscription.is_enabled
    assert "500" in subscription.off_reason
    with tenant_scope(line.tenant_id):
        event = AuditLog.objects.get(action="webhook_subscription.switched_off")
    assert event.object_id == subscription.pk
    page = line.person.client.get("/admin/").content.decode()
    assert "Webhooks that were switched off" in page and subscription.off_reason in page
    line.library.add("rivers.md", RIVERS)
    assert line.deliver() == 0
    line.answer(200)
    subscription.is_enabled = True
    services.save_subscription(actor=line.person.actor, subscription=subscription)
    before = len(line.received())
    line.deliver()
    assert line.types()[before:] == ["documents.added", "document.indexed"]
    assert line.reread().off_reason == ""


def test_receiver_that_is_gone_is_switched_off_at_once(line: Line):
    line.answer(410)
    line.library.add("bees.md", BEES)
    assert line.deliver() == 1
    assert not line.reread().is_enabled
    assert {one.state for one in line.deliveries()} == {JobState.WAITING}


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirects_are_not_followed(line: Line, status: int):
    line.service.response = (status, {"Location": f"{line.service.url}/elsewhere"}, b"")
    line.library.add("bees.md", BEES)
    assert line.deliver() == 1
    assert line.attempts()[0].error_code == "outbound_redirect"


def test_internal_address_is_not_called(line: Line, settings: Any):
    settings.OUTBOUND_ALLOW = []
    line.library.add("bees.md", BEES)
    assert line.deliver() == 1
    assert line.service.requests == []
    assert line.attempts()[0].error_code == "invalid_outbound_address"


def test_what_is_off_or_deleted_sends_nothing(line: Line):
    from audit.services import soft_delete_audited

    line.library.add("bees.md", BEES)
    seal(line.tenant_id)
    line.subscription.is_enabled = False
    services.save_subscription(actor=line.person.actor, subscription=line.subscription)
    assert line.deliver() == 0
    line.subscription.is_enabled = True
    services.save_subscription(actor=line.person.actor, subscription=line.subscription)
    soft_delete_audited(actor=line.person.actor, instances=[line.subscription])
    assert line.deliver() == 0
    assert {one.state for one in line.deliveries()} == {JobState.CANCELLED}


def test_delivery_is_passed_over_and_replayed(line: Line):
    line.answer(422)
    line.library.add("bees.md", BEES)
    line.deliver()
    first = line.deliveries()[0]
    services.cancel(actor=line.person.actor, delivery=first)
    line.answer(200)
    line.deliver()
    assert [one.state for one in line.deliveries()] == [JobState.CANCELLED, JobState.DONE]
    services.replay(actor=line.person.actor, delivery=first)
    line.deliver()
    assert [one.state for one in line.deliveries()] == [JobState.DONE, JobState.DONE]
    assert line.types() == ["documents.added", "document.indexed", "documents.added"]
    ids = [headers["webhook-id"] for _, _, headers, _ in line.service.requests]
    assert ids[0] == ids[2]


def test_changed_secret_and_the_previous_one_sign(line: Line):
    new = services.rotate_secret(actor=line.person.actor, subscription=line.subscription)
    line.library.add("bees.md", BEES)
    line.deliver()
    _, _, headers, body = line.service.requests[0]
    for secret in (line.secret, new):
        assert Webhook(secret).verify(body, headers)["type"] == "documents.added"


def test_test_is_sent_at_once_also_if_it_is_off(line: Line):
    line.subscription.is_enabled = False
    services.save_subscription(actor=line.person.actor, subscription=line.subscription)
    attempt = services.send_test(actor=line.person.actor, subscription_id=line.subscription.pk)
    assert (attempt.status, attempt.succeeded) == (200, True)
    assert line.types() == ["webhook.test"]
    line.answer(500)
    assert not services.send_test(actor=line.person.actor, subscription_id=line.subscription.pk).succeeded
    assert sorted(one.state for one in line.deliveries()) == [JobState.DONE, JobState.ERROR]


def test_old_deliveries_are_deleted(line: Line):
    line.library.add("bees.md", BEES)
    line.deliver()
    with tenant_scope(line.tenant_id):
        first = WebhookDelivery.objects.order_by("number").first()
        assert first
        ago = first.finished_at - KEPT - timedelta(hours=1)
        WebhookDelivery.objects.filter(pk=first.pk).update(finished_at=ago)
    delete_old()
    assert [one.type for one in line.deliveries()] == ["document.indexed"]
    assert len(line.attempts()) == 1


class SilentServer(ThreadingHTTPServer):
    """Takes requests and does not answer until the test ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Silent)
        self.over = Event()
        self.requests = 0


class _Silent(BaseHTTPRequestHandler):
    server: SilentServer

    def do_POST(self) -> None:
        self.server.requests += 1
        self.server.over.wait(30)

    def log_message(self, *args: object) -> None:
        """Log nothing."""


def until(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until it is so; False if it is not in time."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return is_so()


def test_silent_receivers_of_one_tenant_do_not_hold_up_another(
    line: Line, service: ServiceServer, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Four threads, as a worker has; six receivers of one tenant do not answer."""
    library = make_library(make_owner(), tmp_path)
    with running(SilentServer()) as silent:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, f"127.0.0.1:{silent.server_port}"]
        for number in range(6):
            with tenant_scope(library.tenant_id):
                slow = subscribe(library, service, name=f"Silent {number}").subscription
                services.save_subscription(
                    actor=library.person.actor,
                    subscription=slow,
                    url=f"http://127.0.0.1:{silent.server_port}/",
                )
        library.add("bees.md", BEES)
        postpone_due_jobs()
        seal(library.tenant_id)
        has_ended = Event()

        def worker() -> None:
            try:
                while not has_ended.is_set():
                    if not work_for_any_tenant("webhooks"):
                        time.sleep(0.05)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            working = [threads.submit(worker) for _ in range(4)]
            try:
                assert until(lambda: silent.requests >= 3)
                begin = time.monotonic()
                line.library.add("rivers.md", RIVERS)
                seal(line.tenant_id)
                assert until(lambda: len(service.requests) >= 2)
                seconds = time.monotonic() - begin
            finally:
                has_ended.set()
                silent.over.set()
            for one in working:
                one.result()
    assert line.types() == ["documents.added", "document.indexed"]
    assert seconds < 8, seconds


def test_stranger_is_not_told(line: Line, stranger: Person, tmp_path: Path):
    make_library(stranger, tmp_path / "other").add("bees.md", BEES)
    seal(stranger.tenant_id)
    assert line.deliver() == 0
