"""Runs of the examples, and what they are started with."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.support.workflows import Studio
from workflows.models import Approval, Workflow, WorkflowRun
from workflows.services.approvals import decide

INVOICE = (
    "# Invoice\n\nInvoice no. 2027-0815. Date: 2027-03-01. The amount due for our services is payable in 14 days.\n\n"
    "Total: 1,190.00 EUR. Pay to the bank account DE02 1203 0000 0000 2020 51.\n"
)
HOURS = "# Opening hours\n\nThe library is open from 9:00 to 17:00 on working days, and closed on public holidays.\n"
# For the examples that need no document.
INPUTS = {
    "answer-mail-with-approval": {
        "from": "ada@example.org",
        "subject": "Opening hours",
        "text": "When is the library open?",
    },
    "weekly-digest": {"topic": "When is the library open?"},
    "extract-invoice-fields": {"text": INVOICE},
    "escalate-bad-feedback": {
        "rating": "down",
        "question": "When is the library open?",
        "answer": "Never.",
        "comment": "No!",
    },
}


def add(studio: Studio, name: str) -> Workflow:
    call_command("add_example_workflow", name, tenant=str(studio.tenant_id), workspace=studio.workspace.name)
    with tenant_scope(studio.tenant_id):
        found: Workflow = Workflow.objects.get(name=name)
        return found


def run(studio: Studio, name: str, given: Any = None) -> WorkflowRun:
    started = studio.start(add(studio, name), given or INPUTS[name])
    studio.work()
    return studio.reread(started)


def decided(studio: Studio, started: WorkflowRun, *, approve: bool, comment: str = "") -> Any:
    """The output of the run after the decision for which it waits."""
    assert started.state == JobState.WAITING, started.error_detail
    with tenant_scope(studio.tenant_id):
        approval = Approval.objects.get(run=started)
    decide(approval, actor=studio.person.actor, approve=approve, comment=comment)
    studio.work()
    return output_of(studio.reread(started))


def output_of(ended: WorkflowRun) -> Any:
    assert ended.state == JobState.DONE, (ended.step_key, ended.error_code, ended.error_detail)
    return ended.output_json
