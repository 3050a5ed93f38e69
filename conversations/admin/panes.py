"""What a pane of the chat page shows: a conversation along one of its branches, or the beginning of a new one. To be called
inside a scope."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from assistants.models import Assistant, Teammate
from assistants.settings import AssistantSettings
from conversations.access import owner_of, partner, readable_conversations
from conversations.admin.shown_answers import ShownAnswer, shown_answers
from conversations.admin.suggestions import suggestions_after
from conversations.models import Conversation, Message, MessageRole
from core.actors import Actor
from core.errors import NotFoundError
from core.name_fields import as_uuid
from engines.chat.model_file import LOCAL
from workspaces.models import IntegrationConfig, IntegrationType

KINDS = ("assistant", "teammate", "conversation")
# Of a longer branch, the first messages are not shown; an export has them.
MAX_MESSAGES = 100
MAX_MODELS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneAddress:
    """As in the page's address: "assistant:<id>", "teammate:<id>", or "conversation:<id>", with ":<id>" of the message
    whose branch is shown."""

    kind: str
    pk: UUID
    leaf: UUID | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NotFoundError for what is no address."""
        kind, _, rest = text.partition(":")
        pk, _, leaf = rest.partition(":")
        found = as_uuid(pk)
        if found is None or kind not in KINDS:
            raise NotFoundError("There is nothing to show at this address.")
        return cls(kind=kind, pk=found, leaf=as_uuid(leaf))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """A message is `number` of `count` beside each other; the neighbours are ids."""

    number: int
    count: int
    previous: UUID | None
    next: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A question has no `answer`."""

    message: Message
    branches: Branches
    answer: ShownAnswer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownModel:
    """A chat model instead of the assistant's own. `key` is as in the page's address, `asked` as in the API's questions."""

    key: str
    label: str
    asked: Mapping[str, str]

    @property
    def asked_json(self) -> str:
        return json.dumps(self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """`partner` is who is asked, by the `model` instead of its own. Only the owner of a conversation asks in it, changes or
    deletes it."""

    kind: str
    partner: Assistant | Teammate
    model: ShownModel | None = None
    conversation: Conversation | None = None
    is_own: bool = True
    messages: Sequence[ShownMessage] = ()
    is_cut: bool = False
    greeting: str = ""
    starters: Sequence[str] = ()
    suggestions: Sequence[str] = ()

    @property
    def address(self) -> str:
        if self.conversation:
            return f"conversation:{self.conversation.pk}"
        return f"{self.kind}:{self.partner.pk}"


def shown_models() -> list[ShownModel]:
    """Those that can be compared."""
    rows = IntegrationConfig.objects.filter(type_enum=IntegrationType.CHAT_MODEL).select_related("workspace")
    own = [
        ShownModel(
            key=str(row.pk), label=f"{row.name} ({row.workspace.name})", asked={"integration": str(row.pk)}
        )
        for row in rows.order_by("name", "pk")[:MAX_MODELS]
    ]
    quotations = ShownModel(key="quotations", label="no model: quotations", asked={})
    return [quotations, ShownModel(key=LOCAL, label="the model file", asked={"name": LOCAL}), *own]


def pane_at(actor: Actor, address: PaneAddress) -> Pane:
    """Raises NotFoundError."""
    if address.kind == "conversation":
        return _conversation_pane(actor, address)
    if address.kind == "teammate":
        return Pane(kind=address.kind, partner=partner(actor, Teammate, address.pk))
    assistant = partner(actor, Assistant, address.pk)
    settings = AssistantSettings.of(assistant)
    return Pane(
        kind=address.kind, partner=assistant, greeting=settings.greeting, starters=settings.starter_questions
    )


def _conversation_pane(actor: Actor, address: PaneAddress) -> Pane:
    rows = readable_conversations(actor).select_related("assistant", "teammate")
    conversation = rows.filter(pk=address.pk).first()
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    path = branch_of(conversation, address.leaf)
    messages = _shown(actor, path[-MAX_MESSAGES:])
    whom = conversation.assistant or conversation.teammate
    last = messages[-1].message if messages else None
    return Pane(
        kind="assistant" if conversation.assistant else "teammate",
        partner=whom,
        conversation=conversation,
        is_own=conversation.owner == owner_of(actor),
        messages=messages,
        is_cut=len(path) > MAX_MESSAGES,
        suggestions=suggestions_after(last) if last else (),
    )


def branch_of(conversation: Conversation, leaf: UUID | None) -> list[tuple[UUID, Branches]]:
    """The messages from the first question through `leaf`, or else through the newest message, to the newest that follows
    it, each with its place among those beside it."""
    rows = Message.objects.filter(conversation=conversation).order_by("created_at", "pk")
    parents: dict[UUID, UUID | None] = dict(rows.values_list("pk", "parent_id"))
    children = defaultdict[UUID | None, list[UUID]](list)
    for pk, parent in parents.items():
        children[parent].append(pk)
    at = leaf if leaf in parents else next(reversed(parents), None)
    path: list[UUID] = []
    while at:
        path, at = [at, *path], parents[at]
    while path and children[path[-1]]:
        path.append(children[path[-1]][-1])
    return [(pk, _branches(pk, children[parents[pk]])) for pk in path]


def _branches(pk: UUID, siblings: Sequence[UUID]) -> Branches:
    place = siblings.index(pk)
    return Branches(
        number=place + 1,
        count=len(siblings),
        previous=siblings[place - 1] if place else None,
        next=siblings[place + 1] if place + 1 < len(siblings) else None,
    )


def _shown(actor: Actor, path: Sequence[tuple[UUID, Branches]]) -> list[ShownMessage]:
    rows = Message.objects.filter(pk__in=[pk for pk, _ in path]).select_related("assistant")
    messages = {row.pk: row for row in rows}
    answers = [messages[pk] for pk, _ in path if messages[pk].role == MessageRole.ASSISTANT]
    shown = shown_answers(actor, answers)
    return [
        ShownMessage(message=messages[pk], branches=branches, answer=shown.get(pk)) for pk, branches in path
    ]
