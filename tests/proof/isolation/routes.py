"""Every route of OYL, read from the resolver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib.admindocs.views import simplify_regex
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from tests.proof.isolation.parties import MODELS, Model, Party

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
OBJECT_IDS = {"object_id", "pk", "store", "batch", "upload", "name", "step", "tenant", "trigger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`template` has its parameters in angle brackets; `model` is the model of its pages, if they have one."""

    template: str
    model: Model | None
    view: Any

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.template)

    @property
    def takes_ids(self) -> bool:
        return bool(OBJECT_IDS & {*self.parameters})

    def targets(self) -> list[Model]:
        """Return the models whose ids it takes: its own model, or all."""
        return [self.model] if self.model else MODELS

    def address(self, model: Model | None = None, pk: UUID | str = "") -> str:
        """Return its path for one object. Raises KeyError for an unknown parameter."""
        values = dict.fromkeys(OBJECT_IDS, pk) | {"app_label": "knowledge", "url": "nothing/here"}
        values |= dict.fromkeys(("token", "uidb64"), "unknown")  # of links
        values["page"] = "1"
        if model and "content_type_id" in self.parameters:
            values["content_type_id"] = str(ContentType.objects.get_for_model(model).pk)
        return "/" + PARAMETER.sub(lambda match: str(values[match[1]]), self.template)


def routes() -> list[Route]:
    return list(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, before: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = before + _plain(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield Route(template=path, model=_model_of(pattern.callback), view=pattern.callback)
        else:
            yield from _walk(pattern, path)


def _plain(pattern: Any) -> str:
    """Return the pattern, which may be a regular expression, as a path with parameters."""
    text = str(pattern)
    return simplify_regex(text).removeprefix("/") if isinstance(pattern, RegexPattern) else text


def _model_of(view: Any) -> Model | None:
    """Return the model of an admin page or of a REST view."""
    view_class = getattr(view, "model_admin", None) or getattr(view, "cls", None)
    found: Model | None = getattr(view_class, "model", None)
    return found


def ids_of(model: Model, victim: Party) -> list[UUID]:
    """Return the victim's id and an absent one, whose responses must not differ."""
    return [victim.id_of(model), uuid4()]
