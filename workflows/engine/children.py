"""The runs that a step starts, and what they have come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from django.conf import settings

from core.batching import batched
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from workflows.definition import definition_of
from workflows.engine.starting import add_runs
from workflows.models import StartedBy, StepRun, WorkflowRun, WorkflowVersion
from workflows.steps.base import ChildResult, ChildRun, StepError

ADDED_AT_ONCE, READ_AT_ONCE = 500, 200


def add(run: WorkflowRun, row: StepRun, wanted: Sequence[ChildRun], hold: Callable[[], None]) -> None:
    """Outside of a scope: insert the runs, which are held until all are there. A repetition adds those that are missing.
    `hold` locks the run: nothing is added to one that was cancelled meanwhile. Raises StepError, LeaseLostError."""
    if run.depth >= settings.WORKFLOW_DEPTH:
        raise StepError("too_deep_runs", limit=settings.WORKFLOW_DEPTH)
    if len(wanted) > settings.WORKFLOW_ITEMS:
        raise StepError("too_many_items", count=len(wanted), limit=settings.WORKFLOW_ITEMS)
    tenant_id = UUID(str(run.tenant_id))
    with tenant_scope(tenant_id):
        versions = _versions(run, {one.workflow_id for one in wanted})
        _check_number(len(wanted))
    for numbered in batched(enumerate(wanted), ADDED_AT_ONCE):
        with tenant_scope(tenant_id):
            hold()
            add_batch(run, row, numbered, versions)
    with tenant_scope(tenant_id):  # of an interrupted try, in which there were more of them
        WorkflowRun.objects.filter(parent_step=row, number__gte=len(wanted)).delete_rows()


def _versions(run: WorkflowRun, workflow_ids: set[UUID]) -> dict[UUID, WorkflowVersion]:
    """The published version of each workflow, which is in the workspace of the run's own."""
    published = WorkflowVersion.objects.filter(
        workflow__in=workflow_ids,
        workflow__workspace=run.workflow.workspace_id,
        workflow__deleted_at=None,
        number__isnull=False,
    )
    newest = published.order_by("workflow", "-number").distinct("workflow").defer("definition_json")
    found: dict[UUID, WorkflowVersion] = {version.workflow_id: version for version in newest}
    if missing := workflow_ids - found.keys():
        raise StepError("not_published", ids=", ".join(sorted(map(str, missing))))
    return found


def _check_number(wanted: int) -> None:
    """Iterations within iterations would grow without end."""
    there = WorkflowRun.objects.filter(parent__isnull=False).unfinished().count()
    if there + wanted > settings.WORKFLOW_CHILD_RUNS:
        raise StepError("too_many_child_runs", limit=settings.WORKFLOW_CHILD_RUNS)


def add_batch(
    run: WorkflowRun,
    row: StepRun,
    numbered: Sequence[tuple[int, ChildRun]],
    versions: dict[UUID, WorkflowVersion],
) -> None:
    there = set(
        WorkflowRun.objects.filter(
            parent_step=row, number__in=[number for number, _ in numbered]
        ).values_list("number", flat=True)
    )
    for workflow_id, version in versions.items():
        new = [
            WorkflowRun(
                workflow_id=workflow_id,
                version=version,
                started_by=StartedBy.RUN,
                user_id=run.user_id,
                parent=run,
                parent_step=row,
                number=number,
                depth=run.depth + 1,
                rounds=run.rounds,
                input_json=one.input,
                item_json=one.item,
                state=JobState.WAITING,
                available_at=None,
                is_held=True,
            )
            for number, one in numbered
            if one.workflow_id == workflow_id and number not in there
        ]
        add_runs(new, definition_of(version.pk))


def results(row: StepRun) -> Iterator[ChildResult]:
    """Outside of a scope, in the order of the runs, page by page."""
    tenant_id, last = UUID(str(row.tenant_id)), -1
    while True:
        with tenant_scope(tenant_id):
            ordered = WorkflowRun.objects.filter(parent_step=row, number__gt=last).order_by("number")
            columns = ("number", "output_json", "error_code", "error_detail")
            page = list(ordered.values_list(*columns)[:READ_AT_ONCE])
        if not page:
            return
        yield from (ChildResult(output, code, detail) for _, output, code, detail in page)
        last = page[-1][0]
