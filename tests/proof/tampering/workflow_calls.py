"""One call of every service of `workflows`, as in `calls`. Runs are started, and no worker works on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from core.actors import Actor
from core.permissions import Role
from jobs.states import JobState
from tests.proof.tampering.call_context import Call, CallContext
from workflows.definition import draft_of
from workflows.models import (
    Approval,
    ApprovalState,
    RunSignal,
    StartedBy,
    StepRun,
    Trigger,
    Workflow,
    WorkflowRun,
    WorkflowStep,
    WorkflowVersion,
)
from workflows.services import (
    approvals,
    deleting,
    editing,
    examples,
    publishing,
    running,
    triggers,
    yaml_form,
)
from workspaces.models import Workspace

STEP = {"type_enum": "transform", "config_json": {"values": {"one": "1"}}}
TEXT = "name: {}\nsteps:\n- key: one\n  type: transform\n  config:\n    values:\n      one: '1'\n"
EXAMPLE = "extract-invoice-fields"


def save_step(context: CallContext) -> Call:
    workflow = _workflow(context)
    step = context.add(lambda: WorkflowStep(workflow=workflow, key="three", **STEP))
    return Call(
        make=lambda: editing.save_step(step, actor=context.actor),
        is_done=context.has(WorkflowStep, workflow=workflow, key="three"),
    )


def delete_step(context: CallContext) -> Call:
    step = _step(context, "two")
    return Call(
        make=lambda: editing.delete_step(step, actor=context.actor),
        is_done=context.lacks(WorkflowStep, pk=step.pk),
    )


def move_step(context: CallContext) -> Call:
    step = _step(context, "two")
    return Call(
        make=lambda: editing.move_step(step, position=1, actor=context.actor),
        is_done=context.has(WorkflowStep, pk=step.pk, position=1),
    )


def order_steps(context: CallContext) -> Call:
    workflow = _workflow(context)
    return Call(
        make=lambda: editing.order_steps(workflow, keys=["two", "one"], actor=context.actor),
        is_done=context.has(WorkflowStep, workflow=workflow, key="two", position=1),
    )


def add_example(context: CallContext) -> Call:
    steps = yaml.safe_load((examples.FOLDER / f"{EXAMPLE}.yaml").read_text())["steps"]
    workspace = context.add(lambda: Workspace.objects.create(name=f"Workspace {context.key}"))
    return Call(
        make=lambda: examples.add_example(EXAMPLE, workspace=workspace, actor=context.actor),
        is_done=context.has(Workflow, workspace=workspace),
        events=1 + len(steps),
    )


def import_yaml(context: CallContext) -> Call:
    text = TEXT.format(context.name)
    return Call(
        make=lambda: yaml_form.import_yaml(text, workspace=context.workspace, actor=context.actor),
        is_done=context.has(Workflow, name=context.name),
        events=2,
    )


def publish(context: CallContext) -> Call:
    workflow = _workflow(context)
    return Call(
        make=lambda: publishing.publish(workflow, actor=context.actor),
        is_done=context.has(WorkflowVersion, workflow=workflow, number=1),
    )


def add_version(context: CallContext) -> Call:
    workflow = _workflow(context)
    return Call(
        make=lambda: context.add(lambda: publishing.add_version(workflow, draft_of(workflow), number=7)),
        is_done=context.has(WorkflowVersion, workflow=workflow, number=7),
        events=0,
    )


def delete_parts(context: CallContext) -> Call:
    workflow = _workflow(context)
    return Call(
        make=lambda: context.add(lambda: deleting.delete_parts(actor=context.actor, instances=[workflow])),
        is_done=context.lacks(WorkflowStep, workflow=workflow),
        events=0,
    )


def start_run(context: CallContext) -> Call:
    workflow = _published(context)
    return Call(
        make=lambda: running.start_run(workflow, input={}, actor=context.actor, started_by=StartedBy.PERSON),
        is_done=context.has(WorkflowRun, workflow=workflow),
    )


def run_draft(context: CallContext) -> Call:
    workflow = _workflow(context)
    return Call(
        make=lambda: running.run_draft(workflow, input={}, actor=context.actor),
        is_done=context.has(WorkflowRun, workflow=workflow),
    )


def rerun(context: CallContext) -> Call:
    run = _run(context)
    return Call(
        make=lambda: running.rerun(run, actor=context.actor, started_by=StartedBy.PERSON),
        is_done=lambda: _count(context, WorkflowRun, workflow=run.workflow_id) > 1,
    )


def cancel_run(context: CallContext) -> Call:
    run = _run(context)
    return Call(
        make=lambda: running.cancel_run(run, actor=context.actor),
        is_done=context.has(WorkflowRun, pk=run.pk, state=JobState.CANCELLED),
    )


def pause_run(context: CallContext) -> Call:
    run = _run(context)
    return Call(
        make=lambda: running.pause_run(run, actor=context.actor),
        is_done=context.has(WorkflowRun, pk=run.pk, paused_at__isnull=False),
    )


def resume_run(context: CallContext) -> Call:
    run = _run(context)
    running.pause_run(run, actor=_maker(context))
    return Call(
        make=lambda: running.resume_run(run, actor=context.actor),
        is_done=context.has(WorkflowRun, pk=run.pk, paused_at=None),
    )


def retry_run(context: CallContext) -> Call:
    run = _run(context)
    running.cancel_run(run, actor=_maker(context))
    return Call(
        make=lambda: running.retry_run(run, actor=context.actor),
        is_done=context.has(WorkflowRun, pk=run.pk, state=JobState.QUEUED),
    )


def signal_run(context: CallContext) -> Call:
    run = _run(context)
    return Call(
        make=lambda: running.signal_run(run, name="ready", payload=None, actor=context.actor),
        is_done=context.has(RunSignal, run=run, name="ready"),
    )


def decide(context: CallContext) -> Call:
    approval = _approval(context)
    return Call(
        make=lambda: approvals.decide(approval, actor=context.actor, approve=True),
        is_done=context.has(Approval, pk=approval.pk, state=ApprovalState.APPROVED),
    )


def may_decide(context: CallContext) -> Call:
    approval = _approval(context)
    return Call(make=lambda: approvals.may_decide(approval, context.actor), events=0)


def require_right(context: CallContext) -> Call:
    approval = _approval(context)
    return Call(make=lambda: approvals.require_right(approval, context.actor), events=0)


def save_trigger(context: CallContext) -> Call:
    trigger = _trigger(context)
    return Call(
        make=lambda: triggers.save_trigger(trigger, actor=context.actor),
        is_done=context.has(Trigger, name=context.name),
    )


def delete_trigger(context: CallContext) -> Call:
    trigger = _trigger(context)
    triggers.save_trigger(trigger, actor=_maker(context))
    return Call(
        make=lambda: triggers.delete_trigger(trigger, actor=context.actor),
        is_done=context.lacks(Trigger, pk=trigger.pk),
    )


def replace_secret(context: CallContext) -> Call:
    trigger = _trigger(context, kind="webhook")
    triggers.save_trigger(trigger, actor=_maker(context))
    return Call(
        make=lambda: triggers.replace_secret(trigger, actor=context.actor),
        is_done=context.has(Trigger, pk=trigger.pk, secret_number=1),
    )


def _maker(context: CallContext) -> Actor:
    return replace(context.actor, role=Role.OWNER)


def _workflow(context: CallContext) -> Workflow:
    """With the steps "one" and "two"."""
    name = f"Workflow {context.key}"

    def made() -> Any:
        workflow = Workflow.objects.create(workspace=context.workspace, name=name)
        for position, key in enumerate(("one", "two"), start=1):
            WorkflowStep.objects.create(workflow=workflow, position=position, key=key, **STEP)
        return workflow

    workflow: Workflow = context.add(made)
    return workflow


def _step(context: CallContext, key: str) -> WorkflowStep:
    workflow = _workflow(context)
    step: WorkflowStep = context.add(lambda: workflow.steps.select_related("workflow").get(key=key))
    return step


def _published(context: CallContext) -> Workflow:
    workflow = _workflow(context)
    publishing.publish(workflow, actor=_maker(context))
    return workflow


def _run(context: CallContext) -> WorkflowRun:
    workflow = _published(context)
    return running.start_run(workflow, input={}, actor=_maker(context), started_by=StartedBy.PERSON)


def _approval(context: CallContext) -> Approval:
    run = _run(context)

    def made() -> Any:
        row, _ = StepRun.objects.get_or_create(
            run=run, number=1, defaults={"key": "one", "type_enum": "approval"}
        )
        return Approval.objects.create(run=run, step_run=row, question=context.name)

    approval: Approval = context.add(made)
    return approval


def _trigger(context: CallContext, kind: str = "schedule") -> Trigger:
    workflow = _published(context)
    config = {"cron": "0 7 * * 1", "timezone": "UTC"} if kind == "schedule" else {}
    facts = {"name": context.name, "kind": kind, "config_json": config}
    trigger: Trigger = context.add(lambda: Trigger(workflow=workflow, **facts))
    return trigger


def _count(context: CallContext, model: Any, **facts: Any) -> int:
    return int(context.add(lambda: model._default_manager.filter(**facts).count()))
