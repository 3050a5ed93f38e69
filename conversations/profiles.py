"""What an answer needs to know of an assistant. To be called inside a scope."""

from __future__ import annotations

from uuid import UUID

from django.conf.locale import LANG_INFO
from django.utils import timezone

from assistants.models import Assistant, Instruction
from assistants.settings import AssistantSettings
from assistants.variables import fill
from conversations.answering.request import Profile
from conversations.errors import AssistantSuspendedError
from core.errors import NotFoundError
from engines.chat import ChatModel
from engines.embedding import Embedder
from engines.languages import language_of
from knowledge.engine_config import default_model, embedder_named, model_for
from knowledge.models import Reference
from knowledge.services.references import references_of_assistant
from workspaces.chat_models import chat_model_named


def profile_of(assistant_id: UUID, question: str, *, draft: str | None = None) -> Profile:
    """For the question's answer, with the published instruction or a `draft` of it. Raises NotFoundError for an assistant
    that was deleted meanwhile, AssistantSuspendedError."""
    assistant = Assistant.objects.filter(pk=assistant_id).first()
    if assistant is None:
        raise NotFoundError("The assistant was deleted.")
    if assistant.is_suspended:
        raise AssistantSuspendedError
    published = Instruction.objects.filter(assistant=assistant).values_list("system_prompt", flat=True)
    text = (published.first() or "") if draft is None else draft
    return Profile(
        assistant_id=assistant.pk,
        name=assistant.name,
        workspace_id=assistant.workspace_id,
        instruction=fill(text, _variables(assistant, question)),
        references=tuple(references_of_assistant(assistant.pk)),
        settings=AssistantSettings.of(assistant),
    )


def _variables(assistant: Assistant, question: str) -> dict[str, str]:
    code = language_of(question)
    return {
        "assistant": assistant.name,
        "workspace": assistant.workspace.name,
        "organisation": assistant.tenant.name,
        "date": timezone.localdate().isoformat(),
        "language": LANG_INFO.get(code or "", {}).get("name", "the language of the question"),
    }


def embedder_of(profile: Profile) -> Embedder:
    """That of the references if they have the same model, or else the installation's own."""
    rows = Reference.objects.filter(pk__in=profile.references).only("embedding_model")
    models = {model_for(reference) for reference in rows}
    return embedder_named(models.pop() if len(models) == 1 else default_model())


def chat_model_of(settings: AssistantSettings) -> ChatModel | None:
    """None if passages are quoted. Raises ChatError."""
    fallback = (settings.fallback_integration, settings.fallback_model)
    return chat_model_named(
        settings.chat_integration, settings.chat_model, fallback=fallback if any(fallback) else None
    )
