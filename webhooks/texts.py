"""The texts of what has happened, for subscriptions that ask for them: read when a message is sent, so that what was deleted
meanwhile is not sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conversations.models import Feedback, Message
from knowledge.models import Document
from workflows.models import Approval, WorkflowRun

MAX_DOCUMENTS = 100


def _documents(ids: list[str]) -> list[dict[str, Any]]:
    rows = Document.objects.filter(pk__in=ids[:MAX_DOCUMENTS]).order_by("pk")
    names = ("pk", "filename", "external_id", "mime_type", "error_code", "error_detail")
    return [{"id": str(pk), **_named(names[1:], row)} for pk, *row in rows.values_list(*names)]


def _named(names: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value}


def _message(pk: str) -> dict[str, Any]:
    row = Message.objects.filter(pk=pk, conversation__is_shared=True).select_related("parent").first()
    return _dialogue(row) if row else {}


def _dialogue(row: Message) -> dict[str, Any]:
    return {"text": row.text, **({"question": row.parent.text} if row.parent else {})}


def _feedback(pk: str) -> dict[str, Any]:
    row = Feedback.objects.filter(pk=pk).select_related("message__parent").first()
    if row is None:
        return {}
    given = {"rating": row.rating, "reason": row.reason, "comment": row.comment}
    return {**given, "message": _dialogue(row.message)}


def _run(pk: str) -> dict[str, Any]:
    row = WorkflowRun.objects.filter(pk=pk).select_related("workflow").first()
    return {"workflow": row.workflow.name, "error_detail": row.error_detail} if row else {}


def _approval(pk: str) -> dict[str, Any]:
    row = Approval.objects.filter(pk=pk).first()
    return {"question": row.question, "comment": row.comment} if row else {}


_READ: Mapping[str, Callable[[Any], Any]] = {
    "documents": _documents,
    "message": _message,
    "feedback": _feedback,
    "run": _run,
    "approval": _approval,
}


def texts_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inside a scope: {what: texts} for the ids in a message. Questions and answers are left out, unless their conversation
    is shared, or somebody has given feedback."""
    found = {name: read(data[name]) for name, read in _READ.items() if name in data}
    return {name: texts for name, texts in found.items() if texts}
