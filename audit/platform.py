"""Adding events of the platform: of what belongs to no tenant."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from audit.models import PlatformEvent
from audit.payloads import shortened_payload
from core.actors import PlatformActor


def record_platform(
    *,
    actor: PlatformActor,
    action: str,
    target: models.Model | None = None,
    using: str | None = None,
    **payload: Any,
) -> PlatformEvent:
    """Add one event to the present transaction, as `audit.services.record` does for a tenant. Everybody may add one."""
    columns = {"kind": actor.kind, "credential": actor.credential, "request": actor.request_id}
    described = {name: str(value) for name, value in columns.items() if value}
    values = json.loads(json.dumps({**shortened_payload(payload), "actor": described}, cls=DjangoJSONEncoder))
    return PlatformEvent.objects.using(using).create(
        user_id=actor.user_id,
        action=action,
        object_type=target._meta.db_table if target else "",
        object_id=target.pk if target else None,
        payload_json=values,
    )
