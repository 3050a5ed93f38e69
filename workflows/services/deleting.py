"""What else happens when workflows are deleted."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.db.models.functions import Now

from core.actors import Actor
from jobs.states import JobState
from workflows.engine.waking import notify_after_commit
from workflows.models import Trigger, Workflow, WorkflowRun, WorkflowStep


def delete_parts(*, actor: Actor, instances: Sequence[models.Model]) -> None:
    """Delete the steps and triggers of deleted workflows. Runs that wait are claimed, and the engine cancels them."""
    ids = [one.pk for one in instances if isinstance(one, Workflow)]
    if not ids:
        return
    for parts in (WorkflowStep, Trigger):
        parts.objects.filter(workflow__in=ids).soft_delete()
    waiting = WorkflowRun.objects.filter(workflow__in=ids, state=JobState.WAITING, is_held=False)
    waiting.filter(pk__in=waiting.lock()).update(available_at=Now(), paused_at=None)
    notify_after_commit()
