"""The number of assistants."""

from __future__ import annotations

from django.db.models import Count

from assistants.models import Assistant
from core.usage import Figure, FigureSet, Period


def figures(period: Period) -> list[FigureSet]:
    assistants = Figure("assistants", Count("pk"))
    return [FigureSet(rows=Assistant.objects.all(), figures=(assistants,), workspace="workspace")]
