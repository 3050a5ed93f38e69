"""The chat page: asking an assistant or a teammate, or two of them side by side.

The page's script asks, stops and follows answers through the REST API, and lets this page show them when they have ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from assistants.models import Assistant, Teammate
from conversations.access import owner_of, readable_conversations
from conversations.admin.panes import Pane, PaneAddress, ShownModel, pane_at, shown_models
from conversations.models import Conversation, Message, Reason
from core.actors import Actor
from core.admin import actor_of, has_role
from core.errors import NotFoundError
from core.names import without_forbidden
from core.permissions import Role
from core.querysets import alive_above

MAX_PANES = 2
MAX_CONVERSATIONS, MAX_PARTNERS, MAX_SEARCH_LENGTH = 30, 200, 200


@require_GET
def chat_page(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    models = shown_models() if has_role(request, Role.EDITOR) else []
    query = without_forbidden(request.GET.get("q", ""))[:MAX_SEARCH_LENGTH]
    choices = partner_choices()
    context = {
        **admin.site.each_context(request),
        "title": "Chat",
        "panes": _panes(actor, request.GET, choices, {one.key: one for one in models}),
        "choices": choices,
        "models": models,
        "is_temporary": "temporary" in request.GET,
        "conversations": conversations_with(actor, query),
        "owner": owner_of(actor),
        "query": query,
        "reasons": Reason.choices,
        "saves_cases": has_role(request, Role.EDITOR),
    }
    return TemplateResponse(request, "admin/conversations/chat.html", context)


def partner_choices() -> dict[str, list[Assistant | Teammate]]:
    """Whom one may ask, by the kinds of `PaneAddress`."""
    return {
        kind: list(
            model._default_manager.filter(alive_above(model))
            .select_related("workspace")
            .only("name", "workspace__name")
            .order_by("name", "pk")[:MAX_PARTNERS]
        )
        for kind, model in (("assistant", Assistant), ("teammate", Teammate))
    }


def conversations_with(actor: Actor, query: str) -> QuerySet[Conversation]:
    """The newest ones whose title or messages have the words of the query."""
    rows = readable_conversations(actor)
    if query:
        messages = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=query)
        rows = rows.filter(Q(title__icontains=query) | Exists(messages))
    return rows.order_by("-updated_at", "-pk")[:MAX_CONVERSATIONS]


def _panes(
    actor: Actor, given: QueryDict, choices: dict[str, list[Any]], models: Mapping[str, ShownModel]
) -> list[Pane]:
    """Those that the page's address names, each with its model, or else the first assistant. Raises Http404."""
    addresses = given.getlist("pane")
    if not addresses:
        addresses = [f"{kind}:{found[0].pk}" for kind, found in choices.items() if found][:1]
    try:
        panes = [pane_at(actor, PaneAddress.parse(one)) for one in addresses[:MAX_PANES]]
    except NotFoundError as error:
        raise Http404(str(error)) from error
    chosen = zip_longest(panes, given.getlist("model")[: len(panes)])
    return [replace(pane, model=models.get(key)) for pane, key in chosen]
