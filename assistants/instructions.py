"""Publishing an assistant's instruction, its history, and letting a model improve it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q

from assistants.models import Assistant, Instruction
from assistants.settings import AssistantSettings
from assistants.variables import VARIABLES, about_unknown, unknown_variables
from audit.models import AuditLog
from audit.services import save_audited, with_user_emails
from core.actors import Actor
from core.bounded_fields import INSTRUCTION_LENGTH
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.chat import ChatRequest, Message, Sampling
from engines.chat import Role as ChatRole
from workspaces.chat_models import chat_model_named
from workspaces.metering import MeteredModel

# The history has so many events at most.
HISTORY_LENGTH = 200
IMPROVED_TOKENS = 4000
IMPROVE = """\
Rewrite the instruction of an assistant that answers questions from documents. Make it clear, complete and short; keep its \
meaning, its facts and its language. Keep variables such as {{assistant}} as they are; there are only these: %s. Reply with \
the new instruction alone, without comments on it."""


class Source(StrEnum):
    """The text that is published: a person's, or the model's."""

    INSTRUCTION = "instruction"
    AI_INSTRUCTION = "ai_instruction"


class InstructionInvalidError(InvalidError):
    """The instruction cannot be published."""


class NoChatModelError(InvalidError):
    """No chat model is set for this assistant, so that none can improve its instruction. Choose one in its settings, under
    `model`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One text that an assistant had, after the event `event`. `kind` is one of `Source`, or
    "system_prompt" for what was published. `changes` has the lines of a unified diff against the version before."""

    event: UUID
    action: str
    kind: str
    text: str
    at: datetime
    by: str
    changes: tuple[str, ...]


def save_instruction(*, actor: Actor, assistant: Assistant, text: str) -> None:
    """No assistant uses it until it is published. Raises InstructionInvalidError."""
    actor.require(Role.EDITOR)
    if len(text) > INSTRUCTION_LENGTH:
        raise InstructionInvalidError(f"An instruction has at most {INSTRUCTION_LENGTH:,} characters.")
    if unknown := unknown_variables(text):
        raise InstructionInvalidError(about_unknown(unknown))
    if text == assistant.instruction:
        return
    with tenant_scope(actor.tenant_id):
        assistant.instruction = text
        save_audited(actor=actor, instance=assistant)


def publish_instruction(*, actor: Actor, assistant: Assistant, source: Source) -> Instruction:
    """From then on, the text is sent to the model. Raises InstructionInvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        text: str = getattr(assistant, source)
        return _publish(actor, assistant, text, "instruction.published")


def _publish(actor: Actor, assistant: Assistant, text: str, action: str) -> Instruction:
    if not text.strip():
        raise InstructionInvalidError("There is nothing to publish: the text is empty.")
    if unknown := unknown_variables(text):
        raise InstructionInvalidError(about_unknown(unknown))
    row = Instruction.objects.filter(assistant=assistant).first() or Instruction(assistant=assistant)
    row.system_prompt = text
    save_audited(actor=actor, instance=row, action=action)
    return row


def improve_instruction(*, actor: Actor, assistant_id: UUID) -> Assistant:
    """Let the assistant's model rewrite its instruction into `ai_instruction`, which nobody uses until it is published. To
    be called outside of any scope. Raises NotFoundError, NoChatModelError, InstructionInvalidError, QuotaExceededError,
    ChatError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        assistant = _assistant(assistant_id)
        own = AssistantSettings.of(assistant)
        model = chat_model_named(own.chat_integration, own.chat_model)
        request = _request(assistant)
        if model is None:
            raise NoChatModelError
    metered = MeteredModel(model, actor, assistant.workspace_id)
    text = metered.complete(actor.tenant_id, request).text.strip()[:INSTRUCTION_LENGTH]
    if not text:
        raise InstructionInvalidError("The model has returned an empty text. Try again.")
    with tenant_scope(actor.tenant_id):
        assistant = _assistant(assistant_id)
        assistant.ai_instruction = text
        save_audited(actor=actor, instance=assistant, action="assistant.instruction_improved")
    return assistant


def _request(assistant: Assistant) -> ChatRequest:
    if not assistant.instruction.strip():
        raise InstructionInvalidError("Write an instruction first, for the model to improve.")
    system = IMPROVE % ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
    return ChatRequest(
        messages=(
            Message(role=ChatRole.SYSTEM, text=system),
            Message(role=ChatRole.USER, text=assistant.instruction),
        ),
        sampling=Sampling(max_tokens=IMPROVED_TOKENS),
    )


def _assistant(pk: UUID) -> Assistant:
    found: Assistant | None = Assistant.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundError("There is no such assistant.")
    return found


def improvement(assistant: Assistant) -> list[str]:
    """What the model has changed, as lines of a unified diff."""
    return difference(assistant.instruction, assistant.ai_instruction)


def difference(old: str, new: str) -> list[str]:
    """The lines of a unified diff, without its header."""
    return [*unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)][2:]


def instruction_history(assistant: Assistant) -> list[Version]:
    """All texts of the assistant, the newest first. To be called inside a scope."""
    published = Instruction.objects.filter(assistant=assistant).values_list("pk", flat=True)
    events = with_user_emails(AuditLog.objects.filter(object_id__in=[assistant.pk, *published]))
    has_text = Q(payload_json__new__has_any_keys=[*Source, "system_prompt"])
    newest = [*events.filter(has_text).order_by("-created_at")[:HISTORY_LENGTH]]
    return [*_versions(reversed(newest))][::-1]


def _versions(events: Any) -> Iterator[Version]:
    """The oldest first. An empty first text is none."""
    before: dict[str, str] = {}
    for event in events:
        for kind in (*Source, "system_prompt"):
            text = event.payload_json["new"].get(kind)
            if not isinstance(text, str) or text == before.get(kind, ""):
                continue
            by = event.user_email or event.payload_json.get("actor", {}).get("credential", "")
            yield Version(
                event=event.pk,
                action=event.action,
                kind=str(kind),
                text=text,
                at=event.created_at,
                by=by,
                changes=tuple(difference(before.get(kind, ""), text)),
            )
            before[kind] = text


def restore_instruction(*, actor: Actor, assistant: Assistant, event: UUID, kind: str) -> None:
    """Give the text `kind` of the assistant the value that it had after the event: a published one is published again.
    Raises NotFoundError, InstructionInvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        versions = instruction_history(assistant)
        found = next((one for one in versions if (one.event, one.kind) == (event, kind)), None)
        if found is None:
            raise NotFoundError("There is no such version.")
        if kind == "system_prompt":
            _publish(actor, assistant, found.text, "instruction.restored")
        else:
            setattr(assistant, kind, found.text)
            save_audited(actor=actor, instance=assistant, action="assistant.instruction_restored")
