"""The number of workspaces."""

from __future__ import annotations

from django.db.models import Count

from core.usage import Figure, FigureSet, Period
from workspaces.models import Workspace


def figures(period: Period) -> list[FigureSet]:
    return [FigureSet(rows=Workspace.objects.all(), figures=(Figure("workspaces", Count("pk")),))]
