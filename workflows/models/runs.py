"""Runs of workflows and of their steps. PostgreSQL is the truth: what a worker knows of a run, it has read here."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from core.isolation.fields import NamedIndex, TenantForeignKey
from core.models import TenantModel, one_of
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import UNFINISHED, JobState
from workflows.models.definitions import KEY_LENGTH, StepType, Workflow, WorkflowVersion
from workflows.models.triggers import Trigger

SIGNAL_LENGTH = 100


class StartedBy(models.TextChoices):
    PERSON = "person", "A person"
    API = "api", "The API"
    COMMAND = "command", "A command"
    TRIGGER = "trigger", "A trigger"
    RUN = "run", "Another run"
    TEST = "test", "A test of the draft"


class WorkflowRun(LeasedJob):
    """The run of one version. A run that was started by a step of another one, its `parent`, has a `number` among the runs
    that `parent_step` started, and the `item` for which it was started, if any.

    `rounds` is the number of runs that have led to it, each by a document that the one before has added.

    A child run `is_held` until its turn comes, because only so many are worked on at once.

    `step_key` is the step under way, or the one at which the run has ended. `progress_attempt` is the attempt in which a
    step last ended. While `paused_at` is set, no worker claims the run.
    """

    workflow = TenantForeignKey(Workflow, related_name="runs")
    version = TenantForeignKey(WorkflowVersion, related_name="+")
    started_by = models.CharField(max_length=16, choices=StartedBy.choices)
    user_id = models.UUIDField(null=True, blank=True)
    trigger = TenantForeignKey(Trigger, "SET NULL", null=True, blank=True, related_name="runs")
    idempotency_key = models.CharField(max_length=255, blank=True)
    parent = TenantForeignKey("self", null=True, blank=True, related_name="children")
    parent_step = TenantForeignKey("workflows.StepRun", null=True, blank=True, related_name="child_runs")
    number = models.PositiveIntegerField(default=0)
    is_held = models.BooleanField(default=False)
    depth = models.PositiveSmallIntegerField(default=0)
    rounds = models.PositiveSmallIntegerField(default=0)
    input_json = models.JSONField("input", default=dict, blank=True)
    item_json = models.JSONField("item", null=True, blank=True)
    output_json = models.JSONField("output", null=True, blank=True)
    step_key = models.CharField("step", max_length=KEY_LENGTH, blank=True)
    steps_begun = models.PositiveIntegerField(default=0)
    progress_attempt = models.PositiveIntegerField(default=0)
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta(LeasedJob.Meta):
        db_table = "workflow_runs"
        constraints = [
            *job_constraints("workflow_runs"),
            one_of("workflow_runs", "started_by", StartedBy),
            models.UniqueConstraint(
                fields=["workflow", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="workflow_runs_idempotency_key",
            ),
            models.UniqueConstraint(
                fields=["parent_step", "number"],
                condition=Q(parent_step__isnull=False),
                name="workflow_runs_number_key",
            ),
        ]
        indexes = [
            *job_indexes("workflow_runs"),
            NamedIndex(fields=["workflow", "state"], name="idx_workflow_runs_state"),
            NamedIndex(
                fields=["parent_step", "number"], condition=Q(is_held=True), name="idx_workflow_runs_held"
            ),
            NamedIndex(
                fields=["tenant"],
                condition=Q(parent__isnull=True, state__in=UNFINISHED),
                name="idx_workflow_runs_started",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.created_at:%Y-%m-%d %H:%M}"


class StepRun(TenantModel):
    """One step of a run: `number` in the order of the run, `iteration` among those of the same key. `input_json` is the
    step's configuration with its templates and expressions evaluated.

    A running step whose worker died `was_interrupted`. A waiting one waits until `waits_until`, or for `answer_json`, which
    is {"value": …}: the payload of a `signal`, or a decision; or for its child runs, of which `children_left` have not
    ended, and `children_at_once` are worked on at once.
    """

    run = TenantForeignKey(WorkflowRun, related_name="step_runs")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=KEY_LENGTH)
    type_enum = models.CharField("type", max_length=32, choices=StepType.choices)
    iteration = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    tries = models.PositiveIntegerField(default=0)
    was_interrupted = models.BooleanField(default=False)
    input_json = models.JSONField("input", null=True, blank=True)
    output_json = models.JSONField("output", null=True, blank=True)
    details_json = models.JSONField("details", default=dict, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    waits_until = models.DateTimeField(null=True, blank=True)
    signal = models.CharField(max_length=SIGNAL_LENGTH, blank=True)
    answer_json = models.JSONField("answer", null=True, blank=True)
    children_total = models.PositiveIntegerField(null=True, blank=True)
    children_at_once = models.PositiveIntegerField(default=1)
    children_left = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "step_runs"
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="step_runs_number_key"),
            models.UniqueConstraint(fields=["run", "key", "iteration"], name="step_runs_iteration_key"),
            one_of("step_runs", "state", JobState),
            one_of("step_runs", "type_enum", StepType),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.key}"

    @property
    def seconds(self) -> float | None:
        end: datetime | None = self.finished_at
        return (end - self.started_at).total_seconds() if end and self.started_at else None


class RunSignal(TenantModel):
    """A signal that a run has got. It is kept until a step waits for it, which takes it."""

    run = TenantForeignKey(WorkflowRun, related_name="signals")
    name = models.CharField(max_length=SIGNAL_LENGTH)
    payload_json = models.JSONField("payload", null=True, blank=True)
    taken_by = TenantForeignKey(StepRun, "SET NULL", null=True, blank=True, related_name="+")

    class Meta(TenantModel.Meta):
        db_table = "run_signals"
        indexes = [
            NamedIndex(
                fields=["run", "name"],
                condition=Q(taken_by__isnull=True),
                name="idx_run_signals_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.name
