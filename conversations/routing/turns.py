"""Counting turns and failures of a teammate's assistants, exactly under concurrency. To be called inside a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from assistants.models import AssistantFailures, TeammateTurns
from core.isolation.scope import current_tenant_id

NEXT_SQL = """
UPDATE teammate_turns SET turns = turns + 1 WHERE tenant_id = %(tenant)s AND teammate_id = %(teammate)s RETURNING turns
"""


def take_turn(teammate_id: UUID) -> int:
    """The number of turns that were taken before this one."""
    values: Mapping[str, Any] = {"tenant": current_tenant_id(), "teammate": teammate_id}
    with connection.cursor() as cursor:
        cursor.execute(NEXT_SQL, values)
        if (row := cursor.fetchone()) is None:
            first = TeammateTurns(teammate_id=teammate_id)
            TeammateTurns.objects.bulk_create([first], ignore_conflicts=True)
            cursor.execute(NEXT_SQL, values)
            row = cursor.fetchone()
    taken: int = row[0] - 1
    return taken


def next_turn(teammate_id: UUID) -> int:
    """The number of turns so far."""
    rows = TeammateTurns.objects.filter(teammate=teammate_id).values_list("turns", flat=True)
    return rows.first() or 0


def count_failure(assistant_id: UUID) -> None:
    rows = AssistantFailures.objects.filter(assistant=assistant_id)
    change: Mapping[str, Any] = {"failures": F("failures") + 1, "failed_at": Now()}
    if not rows.update(**change):
        first = AssistantFailures(assistant_id=assistant_id, failed_at=timezone.now())
        AssistantFailures.objects.bulk_create([first], ignore_conflicts=True)
        rows.update(**change)


def forget_failures(assistant_id: UUID) -> None:
    AssistantFailures.objects.filter(assistant=assistant_id, failures__gt=0).update(failures=0)
