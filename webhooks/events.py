"""Which events of the audit log other systems follow, and what these say of each: ids and states, and never texts.

The stream of events (`oyl.events`) and webhooks have the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from audit.models import AuditLog
from knowledge.models import Document

DOCUMENTS = (
    "documents.added",
    "document.described",
    "documents.tagged",
    "documents.untagged",
    "documents.deleted",
)
JOBS = ("document.indexed", "document.failed", "documents.retried", "documents.reindexed")
REEMBEDDINGS = tuple(
    f"reference.reembedding_{verb}"
    for verb in ("started", "switched", "refused", "accepted", "rolled_back", "finished")
)
ANSWERS = ("question.asked", "answer.finished", "answer.failed", "answer.stopped")
FEEDBACK = ("feedback.created", "feedback.changed", "feedback.deleted")
RUNS = tuple(
    f"workflow_run.{verb}" for verb in ("started", "ended", "cancelled", "paused", "resumed", "retried")
)
APPROVALS = tuple(f"approval.{verb}" for verb in ("requested", "approved", "rejected", "expired"))
QUOTAS = ("quota.reached",)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Documents": DOCUMENTS,
    "Jobs": (*JOBS, *REEMBEDDINGS),
    "Conversations": ANSWERS,
    "Feedback": FEEDBACK,
    "Runs of workflows": RUNS,
    "Approvals": APPROVALS,
    "Quotas": QUOTAS,
}
TYPES = tuple(one for group in GROUPS.values() for one in group)
# The area of an API key's scopes to which each belongs.
AREAS: Mapping[str, tuple[str, ...]] = {
    "knowledge": (*DOCUMENTS, *JOBS, *REEMBEDDINGS),
    "conversations": (*ANSWERS, *FEEDBACK),
    "workflows": (*RUNS, *APPROVALS),
    "organisation": QUOTAS,
}


def facts_of(event: AuditLog) -> dict[str, Any]:
    """{what: id, ids or state}; `count` is that of all documents, of which long lists name the first."""
    return _FACTS[event.action](event)


def _documents(event: AuditLog) -> dict[str, Any]:
    if event.object_type == Document._meta.db_table:
        return {"documents": [event.object_id], "count": 1}
    change = _change(event)
    named: Any = change.get("documents", change)
    count = len(named)
    if isinstance(named, dict) and "first" in named:
        named, count = named["first"], named["count"]
    return {"documents": [UUID(one) for one in named], "count": count}


def _reference(event: AuditLog) -> dict[str, Any]:
    return {"reference": event.object_id}


def _feedback(event: AuditLog) -> dict[str, Any]:
    return {"feedback": event.object_id, "message": _id(_change(event).get("message"))}


def _run(event: AuditLog) -> dict[str, Any]:
    given = {name: event.payload_json.get(name) for name in ("state", "error_code")}
    return {"run": event.object_id, **{name: value for name, value in given.items() if value}}


def _approval(event: AuditLog) -> dict[str, Any]:
    return {"approval": event.object_id, "run": _id(event.payload_json.get("run"))}


def _quota(event: AuditLog) -> dict[str, Any]:
    return {"quota": event.payload_json["kind"], "of": event.payload_json["of"]}


def _question(event: AuditLog) -> dict[str, Any]:
    return {name: _id(event.payload_json.get(name)) for name in ("conversation", "message")}


def _answer(event: AuditLog) -> dict[str, Any]:
    return {"conversation": _id(event.payload_json.get("conversation")), "message": event.object_id}


def _change(event: AuditLog) -> dict[str, Any]:
    found: dict[str, Any] = event.payload_json.get("new") or event.payload_json.get("old") or {}
    return found


def _id(text: Any) -> UUID | None:
    return UUID(str(text)) if text else None


_FACTS: Mapping[str, Callable[[AuditLog], dict[str, Any]]] = {
    **dict.fromkeys((*DOCUMENTS, *JOBS), _documents),
    **dict.fromkeys(REEMBEDDINGS, _reference),
    **dict.fromkeys(ANSWERS, _answer),
    "question.asked": _question,
    **dict.fromkeys(FEEDBACK, _feedback),
    **dict.fromkeys(RUNS, _run),
    **dict.fromkeys(APPROVALS, _approval),
    **dict.fromkeys(QUOTAS, _quota),
}
