"""Limits of quotas, and what is used of them."""

from __future__ import annotations

from typing import Any

from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.quota_kinds import QuotaKind
from core.quotas import standings
from tests.conftest import Person


def limit(person: Person, kind: QuotaKind, amount: int, **subject: Any) -> None:
    with tenant_scope(person.tenant_id):
        QuotaLimit.objects.create(kind=kind, amount=amount, **subject)


def used(person: Person, kind: QuotaKind) -> int:
    with tenant_scope(person.tenant_id):
        return next(one.used for one in standings() if one.kind == kind)
