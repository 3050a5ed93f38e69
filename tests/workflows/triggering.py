"""Triggers of a workflow, and the work on their events."""

from __future__ import annotations

from typing import Any

from core.isolation.scope import tenant_scope
from jobs.worker import work
from tests.support.workflows import Studio
from workflows.models import Trigger, TriggerKind
from workflows.services.triggers import save_trigger
from workflows.triggers.handler import EventHandler

ECHO = [{"key": "done", "type": "end", "config": {"output": "input"}}]
EVERY_MINUTE = {"cron": "* * * * *", "timezone": "Europe/Berlin"}


def add_trigger(
    studio: Studio, kind: TriggerKind, config: dict[str, Any], *, steps: list[dict[str, Any]] = ECHO
) -> Trigger:
    workflow = studio.published(steps)
    with tenant_scope(studio.tenant_id):
        trigger = Trigger(workflow=workflow, name="T", kind=kind, config_json=config)
        trigger.full_clean()
        save_trigger(trigger, actor=studio.person.actor)
    return trigger


def react(studio: Studio) -> int:
    """Work on all events that are due; returns their number."""
    count = 0
    while work(EventHandler(), studio.tenant_id):
        count += 1
    return count
