"""The pages of runs: a list, and for each run what every step got, gave, cost and why it failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from conversations.models import Trace
from core.admin import ReadOnlyAdmin, actor_of, display
from jobs.admin import STATE_COLOURS, JobDisplay
from jobs.states import UNFINISHED, JobState
from workflows.admin.shared import Attempt, page, require_editor
from workflows.models import Approval, ApprovalState, StartedBy, StepRun, WorkflowRun
from workflows.services import running

SHOWN_STEPS, SHOWN_LENGTH = 200, 4000
ENDED_BADLY = (JobState.ERROR, JobState.CANCELLED)
_DO: Mapping[str, tuple[Callable[..., None], str]] = {
    "cancel": (running.cancel_run, "The run is cancelled."),
    "pause": (running.pause_run, "The run is paused: no further step begins."),
    "resume": (running.resume_run, "The run goes on."),
    "retry": (running.retry_run, "The run goes on at the step at which it had ended."),
}


@admin.register(WorkflowRun)
class WorkflowRunAdmin(JobDisplay, ReadOnlyAdmin):
    list_display = [
        "run",
        "state_badge",
        "step_key",
        "started_by",
        "error_detail",
        "created_at",
        "finished_at",
    ]
    list_select_related = ["workflow"]
    list_filter = ["state", "started_by"]
    search_fields = ["workflow__name"]
    ordering = ["-created_at"]

    @display(description="Workflow", ordering="workflow__name")
    def run(self, obj: WorkflowRun) -> str:
        return str(obj.workflow.name)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request):
            return self.not_found_redirect(request, object_id)
        if request.method == "POST":
            require_editor(request)
            return HttpResponseRedirect(_act(request, run))
        return page(request, "run", f"Run of {run.workflow}", **_context(run))


def _address(run: WorkflowRun) -> str:
    return reverse("admin:workflows_workflowrun_change", args=[run.pk])


def _act(request: HttpRequest, run: WorkflowRun) -> str:
    """Do what the button says; returns the address of the page to show."""
    actor, wanted = actor_of(request), request.POST.get("do", "")
    if wanted in _DO:
        change, sentence = _DO[wanted]
        with Attempt(request, sentence):
            change(run, actor=actor)
    elif wanted == "rerun":
        with Attempt(request, "This is a new run with the same input.") as starting:
            again = running.rerun(run, actor=actor, started_by=StartedBy.PERSON)
        return _address(again if starting.succeeded else run)
    elif wanted == "signal":
        with Attempt(request, "The signal is sent."):
            name = request.POST.get("name", "")
            running.signal_run(run, name=name, payload=None, actor=actor)
    return _address(run)


def _context(run: WorkflowRun) -> dict[str, Any]:
    rows = list(run.step_runs.order_by("-number")[:SHOWN_STEPS])[::-1]
    is_unfinished = run.state in UNFINISHED
    return {
        "run": run,
        "label": JobState(run.state).label,
        "colour": STATE_COLOURS[str(JobState(run.state).label)],
        "started_by": StartedBy(run.started_by).label,
        "is_unfinished": is_unfinished,
        "can_retry": run.state in ENDED_BADLY and run.parent_id is None,
        "input": _json(run.input_json),
        "output": _json(run.output_json),
        "left_out": max(0, run.steps_begun - len(rows)),
        "steps": _shown_steps(run, rows),
        "children": _children(run),
        "costs": _sums(rows),
    }


def _shown_steps(run: WorkflowRun, rows: Sequence[StepRun]) -> list[dict[str, Any]]:
    begin = run.started_at or run.created_at
    whole = max(1e-3, ((run.finished_at or timezone.now()) - begin).total_seconds())
    traces = _traces(rows)
    pending = Approval.objects.filter(run=run, state=ApprovalState.PENDING)
    approvals = dict(pending.values_list("step_run_id", "pk"))
    return [
        {
            "row": row,
            "label": JobState(row.state).label,
            "colour": STATE_COLOURS[str(JobState(row.state).label)],
            "type": row.get_type_enum_display(),
            **_bar(row, begin, whole),
            "input": _json(row.input_json),
            "output": _json(row.output_json),
            "details": {
                name: _json(value) for name, value in row.details_json.items() if value not in ([], {}, None)
            },
            "trace": traces.get(str(row.details_json.get("message_id", ""))),
            "approval": approvals.get(row.pk),
        }
        for row in rows
    ]


def _bar(row: StepRun, begin: datetime, whole: float) -> dict[str, float]:
    """The place of the step on the time line, in percents."""
    started = row.started_at or row.created_at
    seconds = ((row.finished_at or timezone.now()) - started).total_seconds()
    start = max(0.0, min(99.0, 100 * (started - begin).total_seconds() / whole))
    return {"seconds": seconds, "start": start, "share": max(0.5, min(100 - start, 100 * seconds / whole))}


def _traces(rows: Sequence[StepRun]) -> dict[str, UUID]:
    """{message: trace} of the answers that the steps have asked for."""
    ids = [row.details_json["message_id"] for row in rows if row.details_json.get("message_id")]
    found = Trace.objects.filter(message__in=ids).values_list("message_id", "pk")
    return {str(message): trace for message, trace in found}


def _children(run: WorkflowRun) -> list[WorkflowRun]:
    rows = WorkflowRun.objects.filter(parent=run).select_related("workflow")
    return list(rows.order_by("parent_step", "number")[:SHOWN_STEPS])


def _sums(rows: Sequence[StepRun]) -> dict[str, Any]:
    """What the steps have used, of all figures that they give."""
    sums: dict[str, Any] = {}
    for row in rows:
        for name, value in row.details_json.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                sums[name] = sums.get(name, 0) + value
    return {name.replace("_", " "): value for name, value in sums.items()}


def _json(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}… ({len(text):,} characters)"
