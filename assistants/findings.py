"""What is wrong with stored settings and configurations. It is ignored when questions are answered, and shown to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from assistants.models import Assistant, Teammate
from assistants.orchestration import SCHEMA, Orchestration, Strategy
from core.json_schema import valid_part


def assistants_of(teammates: Iterable[Teammate]) -> list[Assistant]:
    """All that the teammates name or have, in the order of their names, deleted ones included. Without their texts."""
    rows = [*teammates]
    named = {pk for teammate in rows for pk in Orchestration.of(teammate).named}
    found = Assistant.with_deleted.filter(Q(pk__in=named) | Q(teammate__in=[row.pk for row in rows]))
    columns = ("name", "workspace_id", "teammate_id", "is_suspended", "deleted_at", "description")
    return [*found.only(*columns).order_by("name", "pk")]


def members_of(teammate: Teammate, known: Iterable[Assistant]) -> list[UUID]:
    """The assistants that the teammate chooses among, in their order: those that it names, or else its own, and those of
    its rules. Deleted and suspended ones included, those of other workspaces not."""
    here = [one for one in known if one.workspace_id == teammate.workspace_id]
    config = Orchestration.of(teammate)
    own = [one.pk for one in here if one.teammate_id == teammate.pk and one.deleted_at is None]
    of_rules = [rule.assistant for rule in config.rules] if config.strategy is Strategy.RULES else []
    ids = {one.pk for one in here}
    return [pk for pk in dict.fromkeys([*(config.assistants or own), *of_rules]) if pk in ids]


def teammate_findings(teammate: Teammate, known: Collection[Assistant]) -> list[str]:
    """A sentence for each; `known` has at least the teammate's assistants."""
    by_id = {one.pk: one for one in known if one.workspace_id == teammate.workspace_id}
    members = members_of(teammate, known)
    _, ignored = valid_part(SCHEMA, teammate.orchestration_config or {"strategy": "similarity"})
    named = dict.fromkeys([*members, *Orchestration.of(teammate).named])
    sentences = [_why_passed_over(pk, by_id.get(pk)) for pk in named]
    able = [pk for pk in members if not _why_passed_over(pk, by_id[pk])]
    nobody = [] if able else ["No assistant of this teammate can answer. Add one, or resume one."]
    return [*(f"Ignored: {problem}" for problem in ignored), *filter(None, sentences), *nobody]


def _why_passed_over(pk: UUID, assistant: Any) -> str:
    if assistant is None:
        return f"There is no assistant '{pk}' in this workspace any more: it is passed over."
    if assistant.deleted_at:
        return f"The assistant '{assistant.name}' ({pk}) is deleted: it is passed over."
    if assistant.is_suspended:
        return f"The assistant '{assistant.name}' ({pk}) is suspended: it is passed over."
    return ""
