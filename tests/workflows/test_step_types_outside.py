"""The types of steps that call services, notify, and wait for people, in real runs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core import mail

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.conftest import Person
from tests.workflows.benches import Bench, runs
from tests.workflows.conftest import ServiceServer
from workflows.models import Approval, StepType, WorkflowRun
from workflows.services.approvals import decide


@runs(StepType.HTTP_REQUEST)
def test_http_request(bench: Bench, service: ServiceServer) -> None:
    integration = bench.integration(
        "webhook", url=f"{service.url}/v1/", token="tok-1", headers={"X-Account": "7"}
    )
    service.response = (201, {"Content-Type": "application/json", "Set-Cookie": "a=b"}, b'{"id": 9}')
    step = {
        "type": "http_request",
        "config": {
            "method": "POST",
            "integration": integration,
            "url": "/orders/{{ input.id }}?q={{ input.q }}",
            "headers": {"X-Note": "{{ input.note }}"},
            "json": "{'text': input.note}",
        },
    }
    note = "a\r\nX-Evil: 1\nb"
    output = bench.output(step, id="../admin", q="a&b=c", note=note)
    assert output == {
        "status": 201, "headers": {"content-type": "application/json"}, "body": {"id": 9}, "encoding": "json"
    }  # fmt: skip
    method, path, headers, body = service.requests[0]
    assert (method, path) == ("POST", "/v1/orders/..%2Fadmin?q=a%26b%3Dc")
    assert (headers["authorization"], headers["x-account"]) == ("Bearer tok-1", "7")
    assert headers["x-note"] == "a X-Evil: 1 b" and "x-evil" not in headers
    assert headers["idempotency-key"].endswith("-only-1")
    assert json.loads(body) == {"text": note}


@pytest.mark.parametrize(
    ("response", "code"),
    [
        ((404, {}, b""), "http_status"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "outbound_redirect"),
        ((200, {"Content-Type": "application/json"}, b"{"), "http_body"),
        ((200, {"Content-Type": "text/plain"}, b"x" * 200_000), "outbound_too_large"),
    ],
)
def test_http_request_fails(bench: Bench, service: ServiceServer, response: Any, code: str) -> None:
    service.response = response
    config = {"method": "POST", "text": "a", "url": f"{service.url}/a", "max_bytes": 1000}
    assert bench.error({"type": "http_request", "config": config}) == code


def test_what_a_service_answers_can_be_stored(bench: Bench, service: ServiceServer) -> None:
    answer = b'{"nul\\u0000": "a\\u0000b\\ud800", "large": 1e999}'
    service.response = (200, {"Content-Type": "application/json"}, answer)
    output = bench.output({"type": "http_request", "config": {"url": f"{service.url}/a"}})
    assert output["body"] == {"nul\ufffd": "a\ufffdb\ufffd", "large": None}


def test_http_request_calls_no_internal_address(bench: Bench) -> None:
    config = {"url": "http://169.254.169.254/latest/meta-data"}
    assert bench.error({"type": "http_request", "config": config}) == "invalid_outbound_address"


@runs(StepType.NOTIFY)
def test_notify_by_mail(bench: Bench, settings: Any) -> None:
    step = {
        "type": "notify",
        "instruction": "Dear {{ input.name }},\n\nit is done.",
        "config": {"to": ["{{ input.address }}"], "subject": "About {{ input.name }}"},
    }
    given = {"name": "Ada\r\nBcc: evil@example.org", "address": "ada@example.org"}
    settings.EMAIL_HOST = ""
    assert bench.error(step, **given) == "mail_not_configured"
    settings.EMAIL_HOST = "smtp.example.org"
    assert bench.output(step, **given) == {"sent": 1}
    (sent,) = mail.outbox
    assert (sent.to, sent.bcc, sent.subject) == (["ada@example.org"], [], "About Ada Bcc: evil@example.org")
    assert sent.extra_headers["Message-ID"].endswith("@oyl>")
    assert bench.error(step, name="x", address="a@example.org\nBcc: b@example.org") == "mail_address"


def test_notify_by_webhook(bench: Bench, service: ServiceServer) -> None:
    secret = base64.b64encode(b"k" * 32).decode()
    integration = bench.integration("webhook", url=f"{service.url}/hook", secret=f"whsec_{secret}")
    step = {"type": "notify", "config": {"integration": integration, "payload": "{'total': input.total}"}}
    assert bench.output(step, total=3) == {"sent": 1, "status": 200}
    _, _, headers, body = service.requests[0]
    assert json.loads(body) == {"total": 3}
    assert headers["webhook-id"] == headers["idempotency-key"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    service.response = (500, {}, b"")
    assert bench.error(step, total=3) == "http_status"


@runs(StepType.APPROVAL)
@pytest.mark.parametrize("approve", [True, False])
def test_approval(bench: Bench, viewer: Person, settings: Any, approve: bool) -> None:
    settings.EMAIL_HOST = "smtp.example.org"
    config = {"question": "Pay {{ input.sum }}?", "show": "{'sum': input.sum}", "rejected": "no"}
    run = bench.go(
        {"key": "ask", "type": "approval", "config": config},
        {"type": "end", "config": {"output": "steps.ask.output.comment"}},
        {"key": "no", "type": "end", "config": {"output": "'no'"}},
        sum=12,
    )
    assert run.state == JobState.WAITING
    approval = _approval(bench, run)
    assert (approval.question, approval.shown_json, approval.role) == ("Pay 12?", {"sum": 12}, "editor")
    assert [one.to for one in mail.outbox] == [[bench.person.user.email]], "viewers may not decide"
    assert str(approval.pk) in mail.outbox[0].body
    decide(approval, actor=bench.person.actor, approve=approve, comment="Fine.")
    assert _worked(bench, run).output_json == ("Fine." if approve else "no")


@pytest.mark.parametrize(
    ("consequence", "state", "output"),
    [("fail", "error", None), ("approve", "done", "expired"), ("reject", "done", "no")],
)
def test_approval_reminds_and_expires(
    bench: Bench, settings: Any, consequence: str, state: str, output: str | None
) -> None:
    settings.EMAIL_HOST = "smtp.example.org"
    config = {"question": "Pay?", "remind_after_seconds": 60, "expires_after_seconds": 120, "rejected": "no"}
    run = bench.go(
        {"key": "ask", "type": "approval", "config": {**config, "when_expired": consequence}},
        {"type": "end", "config": {"output": "steps.ask.output.decision"}},
        {"key": "no", "type": "end", "config": {"output": "'no'"}},
    )
    run = _time_passes(bench, run)
    assert (run.state, len(mail.outbox)) == (JobState.WAITING, 2)
    assert mail.outbox[1].subject == "Reminder: Pay?"
    run = _time_passes(bench, run)
    assert (run.state, run.output_json, _approval(bench, run).state) == (state, output, "expired")


def _approval(bench: Bench, run: WorkflowRun) -> Approval:
    with tenant_scope(bench.tenant_id):
        found: Approval = Approval.objects.get(run=run)
    return found


def _time_passes(bench: Bench, run: WorkflowRun) -> WorkflowRun:
    bench.end_waits()
    return _worked(bench, run)


def _worked(bench: Bench, run: WorkflowRun) -> WorkflowRun:
    bench.work()
    return bench.reread(run)
