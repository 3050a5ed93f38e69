"""Usage figures of what the quotas of a day count."""

from __future__ import annotations

from django.db.models import Q, Sum

from core.models import QuotaUse
from core.quota_kinds import QuotaKind
from core.usage import Figure, FigureSet, Period

HELP = {
    QuotaKind.EMBEDDING: "In the period: tokens of texts that were embedded.",
    QuotaKind.SEARCH: "In the period: a search is one unit, and one more for each 100 passages that were asked for.",
    QuotaKind.ANSWERS: "In the period: answers of assistants, also those that were not kept or were deleted since.",
    QuotaKind.ANSWER_TOKENS: "In the period: tokens that chat models have read and written.",
    QuotaKind.EVENTS: "In the period: events in the audit log, long ones counted several times.",
}


def figures(period: Period) -> list[FigureSet]:
    """Not by workspace, because searches and most events belong to none."""
    rows = QuotaUse.objects.filter(day__range=(period.since, period.until))
    return [
        FigureSet(
            rows=rows,
            figures=tuple(
                Figure(kind.value, Sum("amount", filter=Q(kind=kind), default=0), text)
                for kind, text in HELP.items()
            ),
        )
    ]
