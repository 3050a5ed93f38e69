"""Another chat model than an assistant's own, to compare them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from assistants.models import Assistant, Teammate
from assistants.settings import AssistantSettings
from conversations.errors import QuestionInvalidError
from core.actors import Actor
from core.permissions import Role
from workspaces.models import IntegrationConfig, IntegrationType


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """As in an assistant's settings: without both, passages are quoted."""

    integration: UUID | None = None
    name: str = ""

    def check(self, actor: Actor, partner: Assistant | Teammate) -> None:
        """Inside a scope. Raises ForbiddenError below editor, QuestionInvalidError."""
        actor.require(Role.EDITOR)
        if not isinstance(partner, Assistant):
            raise QuestionInvalidError("A model is chosen for an assistant, not for a teammate.")
        rows = IntegrationConfig.objects.filter(
            workspace=partner.workspace_id, type_enum=IntegrationType.CHAT_MODEL
        )
        if self.integration and not rows.filter(pk=self.integration).exists():
            raise QuestionInvalidError("The assistant's workspace has no such chat model.")

    def instead_of(self, settings: AssistantSettings) -> AssistantSettings:
        """Without a fallback, whose answer would be compared in place of the model's."""
        chosen: dict[str, Any] = {"chat_integration": self.integration, "chat_model": self.name}
        return replace(settings, **chosen, fallback_integration=None, fallback_model="")
