"""Who sees which of the events that other systems follow (`webhooks.events`), in their stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from audit.models import AuditLog, AuditSeal
from conversations.access import readable_conversations
from conversations.models import Message
from core.actors import Actor
from core.api.bound_rows import BoundLookups, bound_rows
from core.permissions import Role
from knowledge.bound_lookups import REFERENCE_LOOKUPS, lookups_through
from knowledge.models import Document, Reference
from webhooks.events import AREAS, FEEDBACK, QUOTAS, facts_of
from workflows.models import WorkflowRun

RUN_LOOKUPS: BoundLookups = {"workspace": ("workflow__workspace",)}


def actions_for(actor: Actor) -> list[str]:
    """Those that the actor's scopes open. Quotas are of the whole organisation, and for admins."""
    found = [action for area, actions in AREAS.items() if actor.may(area, writes=False) for action in actions]
    sees_quotas = actor.bound is None and actor.role.rank >= Role.ADMIN.rank
    return [action for action in found if sees_quotas or action not in QUOTAS]


def shown(actor: Actor, seals: Sequence[AuditSeal]) -> list[dict[str, Any]]:
    """Inside a scope: the events that concern what the actor sees, with the ids of that."""
    facts = [(one, facts_of(one.audit_log)) for one in seals]
    visible = _Visible(actor, [fact for _, fact in facts])
    return [
        {
            "id": one.sequence,
            "type": one.audit_log.action,
            "created_at": one.audit_log.created_at,
            "workspace": one.audit_log.workspace_id,
            **seen,
        }
        for one, fact in facts
        if (seen := visible.of(one.audit_log, fact))
    ]


class _Visible:
    """What an actor sees of that which several events name: one query for each kind."""

    def __init__(self, actor: Actor, facts: Iterable[Mapping[str, Any]]) -> None:
        self._actor, facts = actor, [*facts]
        self._documents = self._seen_documents({pk for fact in facts for pk in fact.get("documents", ())})
        self._references = self._seen_references({fact["reference"] for fact in facts if "reference" in fact})
        self._messages = self._seen_messages({fact["message"] for fact in facts if fact.get("message")})
        self._runs = self._seen_runs({fact["run"] for fact in facts if "run" in fact})

    def of(self, event: AuditLog, fact: Mapping[str, Any]) -> dict[str, Any] | None:
        """The facts without what the actor does not see; None if nothing is left."""
        if "documents" in fact:
            ids = [pk for pk in fact["documents"] if self._actor.bound is None or pk in self._documents]
            count = fact["count"] if self._actor.bound is None else len(ids)
            return {"documents": ids, "count": count} if ids else None
        if "reference" in fact:
            return {**fact} if fact["reference"] in self._references else None
        if "quota" in fact:
            return {**fact}
        if "run" in fact:
            return {**fact} if fact["run"] in self._runs else None
        if fact["message"] not in self._messages:
            return None
        is_own = event.user_id is not None and event.user_id == self._actor.user_id
        is_hidden = event.action in FEEDBACK and not is_own and self._actor.role.rank < Role.EDITOR.rank
        return None if is_hidden else {name: value for name, value in fact.items() if value}

    def _seen_documents(self, ids: set[UUID]) -> set[UUID]:
        """Of a bound key; the others see all."""
        if not ids or self._actor.bound is None:
            return set()
        rows = bound_rows(self._actor, Document.with_deleted.filter(pk__in=ids), lookups_through("reference"))
        return set(rows.values_list("pk", flat=True))

    def _seen_references(self, ids: set[UUID]) -> set[UUID]:
        if not ids:
            return set()
        rows = bound_rows(self._actor, Reference.with_deleted.filter(pk__in=ids), REFERENCE_LOOKUPS)
        return set(rows.values_list("pk", flat=True))

    def _seen_messages(self, ids: set[UUID]) -> set[UUID]:
        if not ids:
            return set()
        rows = Message.objects.filter(pk__in=ids, conversation__in=readable_conversations(self._actor))
        return set(rows.values_list("pk", flat=True))

    def _seen_runs(self, ids: set[UUID]) -> set[UUID]:
        if not ids:
            return set()
        rows = bound_rows(self._actor, WorkflowRun.objects.filter(pk__in=ids), RUN_LOOKUPS)
        return set(rows.values_list("pk", flat=True))
