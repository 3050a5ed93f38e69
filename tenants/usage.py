"""Figures of an organisation's members and API keys."""

from __future__ import annotations

from django.db.models import Count

from core.usage import Figure, FigureSet, Period
from tenants.models import ApiKey, Membership


def figures(period: Period) -> list[FigureSet]:
    return [
        FigureSet(rows=Membership.objects.all(), figures=(Figure("members", Count("pk")),)),
        FigureSet(
            rows=ApiKey.objects.filter(revoked_at=None),
            figures=(Figure("api_keys", Count("pk"), "That are not revoked."),),
        ),
    ]
