"""What the quota of stored bytes counts of data sources."""

from __future__ import annotations

from django.db.models import Sum

from core.quota_kinds import QuotaKind
from core.quota_upkeep import Stored
from workspaces.models import DataSource


def stored() -> list[Stored]:
    amount = Sum("size_bytes", default=0)
    return [
        Stored(kind=QuotaKind.STORAGE, rows=DataSource.objects.all(), amount=amount, workspace="workspace")
    ]
