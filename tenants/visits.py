"""An operator's visit to a tenant, as the operator's session has it: it ends by itself, and is found here until then."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.isolation.tenant_directory import all_tenants

LENGTH = timedelta(minutes=30)
SESSION_KEY = "visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`id` is that of the platform's event of the entry."""

    id: UUID
    tenant_id: UUID
    name: str
    until: datetime


def keep(session: Any, visit: Visit) -> None:
    session[SESSION_KEY] = {name: str(value) for name, value in asdict(visit).items()}


def present_visit(session: Any) -> Visit | None:
    """None when there is none, its time is over, or the tenant is gone; the operator is in no tenant then."""
    kept = session.get(SESSION_KEY)
    if kept is None:
        return None
    until, tenant_id = datetime.fromisoformat(kept["until"]), UUID(kept["tenant_id"])
    name = all_tenants().get(tenant_id)
    if name is None or timezone.now() >= until:
        del session[SESSION_KEY]
        return None
    return Visit(id=UUID(kept["id"]), tenant_id=tenant_id, name=name, until=until)
