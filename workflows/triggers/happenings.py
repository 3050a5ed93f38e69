"""Events of documents and feedback: what the audit log records of them is handed here in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from audit.models import AuditLog
from conversations.models import Feedback
from knowledge.models import Document
from workflows.models import Trigger, TriggerEvent, TriggerKind
from workflows.triggers.occurrences import ON, add_events, new_event

DOCUMENT_EVENTS = {
    "document.indexed": "done",
    "document.failed": "error",
    "documents.tagged": "tagged",
    "documents.deleted": "deleted",
}
FEEDBACK_EVENTS = {"feedback.created": "given", "feedback.changed": "changed"}
# What runs do starts no further runs, which would have no end.
OF_RUNS = "workflow"


def on_events(events: Sequence[AuditLog]) -> None:
    """Inside the transaction that has recorded these events."""
    documents = [event for event in events if event.action in DOCUMENT_EVENTS and not _is_of_a_run(event)]
    feedback = [event for event in events if event.action in FEEDBACK_EVENTS]
    if documents and (triggers := _triggers(TriggerKind.DOCUMENT)):
        add_events(_document_events(documents, triggers))
    if feedback and (triggers := _triggers(TriggerKind.FEEDBACK)):
        add_events(_feedback_events(feedback, triggers))


def _is_of_a_run(event: AuditLog) -> bool:
    return bool(event.payload_json["actor"].get("credential") == OF_RUNS)


def _triggers(kind: TriggerKind) -> list[Trigger]:
    return list(Trigger.objects.filter(ON, kind=kind).select_related("workflow"))


def _document_events(events: Sequence[AuditLog], triggers: Sequence[Trigger]) -> Iterator[TriggerEvent]:
    ids = {event.pk: _document_ids(event) for event in events}
    every = {pk for found in ids.values() for pk in found}
    rows = Document.with_deleted.filter(pk__in=every).select_related("reference").defer("text")
    documents = {row.pk: row for row in rows.prefetch_related("document_tags__tag")}
    for event in events:
        for document in (documents[pk] for pk in ids[event.pk] if pk in documents):
            facts = _document_facts(document, event)
            for trigger in triggers:
                if _is_in_workspace(trigger, document.reference.workspace_id) and _concerns(trigger, facts):
                    yield new_event(trigger, f"{event.pk} {document.pk}", facts)


def _document_ids(event: AuditLog) -> list[UUID]:
    payload = event.payload_json
    if event.action == "documents.tagged":
        return [UUID(pk) for pk in payload["new"]["documents"]]
    if event.action == "documents.deleted":
        return [UUID(pk) for pk in payload["old"]]
    return [event.object_id] if event.object_id else []


def _document_facts(document: Document, event: AuditLog) -> dict[str, Any]:
    """`run` is that which has added the document, if one has."""
    name = DOCUMENT_EVENTS[event.action]
    return {
        "event": name,
        "document": str(document.pk),
        "filename": document.filename,
        "mime_type": document.mime_type,
        "reference": str(document.reference_id),
        "tags": sorted(link.tag.tag for link in document.document_tags.all()),
        "error_code": document.error_code if name == "error" else "",
        "run": event.payload_json.get("run", ""),
    }


def _concerns(trigger: Trigger, facts: dict[str, Any]) -> bool:
    """Whether the trigger wants this event of a document."""
    config = trigger.config_json
    return (
        facts["event"] in config["events"]
        and facts["reference"] in config.get("references", [facts["reference"]])
        and facts["mime_type"] in config.get("mime_types", [facts["mime_type"]])
        and ("tags" not in config or bool({*config["tags"]} & {*facts["tags"]}))
    )


def _feedback_events(events: Sequence[AuditLog], triggers: Sequence[Trigger]) -> Iterator[TriggerEvent]:
    rows = Feedback.objects.filter(pk__in=[event.object_id for event in events])
    feedback = {row.pk: row for row in rows.select_related("message__conversation", "message__parent")}
    for event in events:
        row = feedback[event.object_id]
        facts = _feedback_facts(row, FEEDBACK_EVENTS[event.action])
        for trigger in triggers:
            config = trigger.config_json
            if (
                _is_in_workspace(trigger, row.message.conversation.workspace_id)
                and facts["rating"] in config.get("ratings", [facts["rating"]])
                and facts["assistant"] in config.get("assistants", [facts["assistant"]])
            ):
                yield new_event(trigger, str(event.pk), facts)


def _feedback_facts(row: Feedback, name: str) -> dict[str, Any]:
    message = row.message
    return {
        "event": name,
        "feedback": str(row.pk),
        "rating": row.rating,
        "reason": row.reason,
        "comment": row.comment,
        "message": str(message.pk),
        "question": message.parent.text if message.parent else "",
        "answer": message.text,
        "assistant": str(message.assistant_id or ""),
    }


def _is_in_workspace(trigger: Trigger, workspace_id: UUID) -> bool:
    return bool(trigger.workflow.workspace_id == workspace_id)
