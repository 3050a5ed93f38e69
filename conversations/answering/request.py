"""What an answer is made from."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from assistants.settings import AssistantSettings
from conversations.answering.refusals import refusal
from conversations.answering.values import Turn
from core.actors import Actor
from engines.chat import ChatModel, Sampling
from engines.embedding import Embedder
from knowledge.search.filters import SearchFilters


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An assistant, as an answer needs it. `instruction` is the published one, its variables filled in; `references` are
    those that its knowledge bases read."""

    assistant_id: UUID
    name: str
    workspace_id: UUID
    instruction: str
    references: tuple[UUID, ...]
    settings: AssistantSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """`history` has the turns before the question, the oldest first. `filters` narrow what the assistant reads. Without a
    `model`, passages are quoted; `embedder` compares sentences for that, and for the check of their sources. `instructions`
    are the asker's, which come after the assistant's own."""

    actor: Actor
    profile: Profile
    question: str
    history: tuple[Turn, ...]
    filters: SearchFilters
    model: ChatModel | None
    sampling: Sampling
    embedder: Embedder
    instructions: str = ""

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id

    @property
    def refusal(self) -> str:
        """What is said when the documents do not have the answer: the assistant's own sentence, or one in the question's
        language."""
        return self.profile.settings.refusal or refusal(self.question)
