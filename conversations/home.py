"""The answers' part of the admin's first page: how many there were, how good and how fast they were, and what they cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.http import HttpRequest
from django.urls import reverse

from conversations.models import Feedback, Rating
from core.admin import has_role
from core.admin.home import Home, Panel, Tile, chart_panel, last_days
from core.isolation.scope import current_tenant_id
from core.models import QuotaUse
from core.permissions import Role
from core.quota_kinds import QuotaKind

DAYS = 14
# Of more answers than so many, only the newest count: no page reads a large table.
MOST_ANSWERS = 10_000
YOURS = "the list has those that you may read"
USES = {
    QuotaKind.ANSWERS: "Answers",
    QuotaKind.SEARCH: "Units of search",
    QuotaKind.ANSWER_TOKENS: "Tokens of chat models",
}
# As the filters of the list of messages (`conversations.admin.records.QUALITIES`).
QUALITY = """
WITH recent AS (
    SELECT state, is_refusal, has_sources, is_unsure, seconds, price, currency FROM messages
    WHERE tenant_id = %(tenant)s AND role = 'assistant' AND created_at >= %(since)s
    ORDER BY created_at DESC LIMIT %(most)s
)
SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'error'),
    count(*) FILTER (WHERE is_refusal), count(*) FILTER (WHERE state = 'done' AND NOT is_refusal AND NOT has_sources),
    count(*) FILTER (WHERE state = 'done' AND is_unsure),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds),
    (SELECT json_object_agg(currency, total) FROM (
        SELECT currency, sum(price) AS total FROM recent WHERE price > 0 GROUP BY currency
    ) AS priced)
FROM recent
"""


def home(request: HttpRequest) -> Home:
    """For those who may change assistants: the numbers are of all members' answers, but show none of their words."""
    if not has_role(request, Role.EDITOR):
        return Home()
    days = last_days(DAYS)
    uses = _uses(days)
    if not any(figures.get(QuotaKind.ANSWERS) for figures in uses.values()):
        return Home()
    return Home(
        title=f"Answers of the last {DAYS} days", place=2, tiles=_tiles(days[0]), panels=_charts(uses)
    )


def _uses(days: list[date]) -> dict[date, dict[str, int]]:
    """{day: {kind: amount}}, as the quotas of a day count: also of what was deleted since."""
    found: dict[date, dict[str, int]] = {day: {} for day in days}
    rows = (
        QuotaUse.objects.filter(day__gte=days[0], kind__in=list(USES)).values_list("day", "kind").order_by()
    )
    for day, kind, amount in rows.annotate(Sum("amount")):
        found.setdefault(day, {})[kind] = amount
    return found


def _charts(uses: dict[date, dict[str, int]]) -> list[Panel]:
    return [chart_panel(f"{name} a day", "bar", uses, {kind: name}) for kind, name in USES.items()]


def _tiles(since: date) -> list[Tile]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": current_tenant_id(), "since": since, "most": MOST_ANSWERS}
        cursor.execute(QUALITY, values)
        done, failed, refused, bare, unsure, median, slow, prices = cursor.fetchone()
    of_all = f"of {done:,} answers"
    answers = f"{_list_of('message', since)}&role__exact=assistant"
    money = " + ".join(f"{total:,.2f} {currency}" for currency, total in (prices or {}).items())
    numbers = [
        ("Answers", done, "default", "&state__exact=done", YOURS),
        ("Failed", failed, "danger", "&state__exact=error", YOURS),
        ("Nothing found", refused, "default", "&quality=refused", of_all),
        ("Without sources", bare, "warning", "&quality=bare", of_all),
        ("Low confidence", unsure, "warning", "&quality=unsure", of_all),
    ]
    return [
        *(
            Tile(label=label, count=number, colour=colour, link=f"{answers}{condition}", note=note)
            for label, number, colour, condition, note in numbers
        ),
        *_feedback_tiles(since),
        Tile(label="Time", count=_seconds(median), note=f"half of the answers; 95 % within {_seconds(slow)}"),
        *(
            [Tile(label="Cost", count=money, note="by the prices of the models' integrations")]
            if money
            else []
        ),
    ]


def _feedback_tiles(since: date) -> list[Tile]:
    ratings, link = dict(_ratings(since)), _list_of("feedback", since)
    words = {Rating.UP: ("Good", "success"), Rating.DOWN: ("Bad", "danger")}
    return [
        Tile(label=label, count=ratings.get(rating, 0), colour=colour, link=f"{link}&rating__exact={rating}")
        for rating, (label, colour) in words.items()
    ]


def _list_of(model: str, since: date) -> str:
    return f"{reverse(f'admin:conversations_{model}_changelist')}?created_at_from_0={since}"


def _ratings(since: date) -> Any:
    rows = Feedback.objects.filter(created_at__date__gte=since)
    return rows.values_list("rating").annotate(Count("pk")).order_by()


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"
