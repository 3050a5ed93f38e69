"""A stream of what happens in the organisation, over REST: `GET /api/v1/events/`."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from audit.models import AuditLog
from audit.tail import sealed_events, tail
from core.api import events
from core.api.events import EventsRenderer, EventStream, data_frame, looked, position_frame
from core.api.views import READ, TenantViewSet
from core.isolation.scope import tenant_scope
from core.permissions import bound_kind_choices
from oyl.followed_events import actions_for, shown
from webhooks.events import TYPES

LAST_EVENT = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="The `id` of the last event that you have."
)
IDS = {
    name: {"type": "string", "format": "uuid"}
    for name in ("reference", "conversation", "message", "feedback", "run", "approval")
}
DATA_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "type": {"type": "string", "enum": [*TYPES]},
        "created_at": {"type": "string", "format": "date-time"},
        "workspace": {"type": ["string", "null"], "format": "uuid"},
        "documents": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "count": {
            "type": "integer",
            "description": "Of all documents; `documents` has the first 1,000 of them.",
        },
        **IDS,
        "state": {"type": "string", "description": "Of a run that has ended."},
        "error_code": {"type": "string", "description": "Of a run that has failed."},
        "quota": {"type": "string"},
        "of": {"type": "string"},
    },
    "required": ["id", "type", "created_at", "workspace"],
}
EVENT_SCHEMA = {
    "type": "string",
    "description": "Server-sent events. `contentSchema` is that of the `data` of each.",
    "contentMediaType": "application/json",
    "contentSchema": DATA_SCHEMA,
}


class EventViewSet(TenantViewSet):
    """What happens to documents, answers, runs and quotas, with ids and without texts. A key is sent the events of its
    scopes, about what it is bound to."""

    model = AuditLog
    area = ""
    roles = READ
    bound_by = dict.fromkeys((kind for kind, _ in bound_kind_choices()), ())
    pagination_class = None
    filter_backends = ()
    renderer_classes = (JSONRenderer, EventsRenderer)
    opens_own_scopes = True

    @extend_schema(parameters=[LAST_EVENT], responses={(200, EventsRenderer.media_type): EVENT_SCHEMA})
    def list(self, request: Request) -> EventStream:
        """Follow what happens.

        Server-sent events, from now on, or after `Last-Event-ID`. The stream ends after ten minutes: then connect again with
        the last `id`, as browsers do. No event is left out."""
        if not actions_for(self.actor):
            raise exceptions.PermissionDenied(
                "Your key lacks the scopes for all events.", code="scope_missing"
            )
        newest, given = tail.newest(self.actor.tenant_id), request.headers.get("Last-Event-ID", "")
        is_number = given.isascii() and given.isdigit() and len(given) < 19
        return EventStream(_frames(self, min(int(given), newest) if is_number else newest))


@dataclass(slots=True)
class _Look:
    """What a stream has found: events, and the number up to which these are all."""

    position: int
    found: list[dict[str, Any]] = field(default_factory=list)
    has_more: bool = False


def _look(view: TenantViewSet, position: int) -> _Look:
    newest = tail.newest(view.actor.tenant_id)
    if newest <= position:
        return _Look(position)
    with tenant_scope(view.actor.tenant_id):
        seals, last = sealed_events(position, newest, actions_for(view.actor))
        return _Look(last, shown(view.actor, seals), has_more=last < newest)


async def _frames(view: TenantViewSet, position: int) -> AsyncIterator[bytes]:
    """The first frame has the position only, so that a client that loses the connection before the first event goes on
    from here."""
    started = sent = time.monotonic()
    yield position_frame(position)
    while time.monotonic() - started < events.MAX_SECONDS and await view.is_still_allowed():
        look = await looked(partial(_look, view, position)) or _Look(position)
        position = look.position
        for event in look.found:
            yield data_frame(event, position=event["id"])
        if look.found or time.monotonic() - sent > events.SILENT_SECONDS:
            sent = time.monotonic()
            yield position_frame(position)
        if not look.has_more:
            await asyncio.sleep(random.uniform(*events.POLL_SECONDS))  # noqa: S311
