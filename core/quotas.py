"""Quotas: what a tenant, a workspace, an API key or a member may store, and may use in a day.

Each use is a row of its own, inserted in the transaction of what it counts, so that no two transactions wait for each other;
`core.quota_upkeep` adds the rows up. A limit can be exceeded only by transactions that run at the same time: a lock orders
those of exact kinds as soon as `MARGIN` more of them would not fit, and the other counts of a day may be exceeded by the
requests under way. Of a kind that `may_overrun`, the last use may exceed the limit: it is charged with the most that it
may be, and corrected when it is known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from core.actors import Actor
from core.errors import OylError
from core.isolation.scope import current_tenant_id
from core.quota_kinds import STORED, QuotaKind, next_reset, today

MARGIN = 32
ORGANISATION, API_KEY, MEMBER = "organisation", "API key", "member"
Amounts = Mapping[QuotaKind, int]

# The limit of a key or a member is on what they add in a day, because what others delete was not given back by them.
REACHED = """
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s) AS w(kind text, amount bigint, checked bigint, preset bigint, day date)
), limits AS (
    SELECT w.kind, w.checked, w.day, s.subject, coalesce(l.amount, s.is_preset * w.preset) AS most
    FROM wanted w CROSS JOIN (VALUES
        ('organisation', NULL::uuid, '', NULL::uuid, 1), ('workspace', %(workspace)s, '', NULL, NULL),
        ('API key', NULL, %(key)s, NULL, NULL), ('member', NULL, '', %(member)s, NULL)
    ) AS s(subject, workspace_id, credential, user_id, is_preset)
    LEFT JOIN quota_limits l ON l.tenant_id = %(tenant)s AND l.kind = w.kind
        AND l.workspace_id IS NOT DISTINCT FROM s.workspace_id AND l.credential = s.credential
        AND l.user_id IS NOT DISTINCT FROM s.user_id
    WHERE w.amount > 0 AND NOT (s.subject = 'workspace' AND s.workspace_id IS NULL)
        AND NOT (s.subject = 'API key' AND s.credential = '') AND NOT (s.subject = 'member' AND s.user_id IS NULL)
), reached AS (
    SELECT l.kind, l.subject, uses.amount AS used, l.most FROM limits l CROSS JOIN LATERAL (
        SELECT coalesce(sum(u.amount), 0)::bigint AS amount FROM quota_uses u
        WHERE u.tenant_id = %(tenant)s AND u.kind = l.kind
            AND u.day = CASE WHEN l.subject IN ('API key', 'member') THEN %(today)s ELSE l.day END
            AND (l.subject <> 'workspace' OR u.workspace_id = %(workspace)s)
            AND (l.subject <> 'API key' OR u.credential = %(key)s)
            AND (l.subject <> 'member' OR u.user_id = %(member)s)
    ) uses WHERE l.most > 0 AND uses.amount + l.checked > l.most * %(share)s
)"""
RESULT = " SELECT kind, subject, used, most FROM reached"
# Of what is stored, a further row of the day counts for the key and the member.
INSERT = """, inserted AS (
    INSERT INTO quota_uses (id, tenant_id, created_at, kind, day, workspace_id, credential, user_id, amount)
    SELECT gen_random_uuid(), %(tenant)s, statement_timestamp(), kind, one.day, %(workspace)s,
        CASE WHEN one.day = %(today)s THEN %(key)s ELSE '' END,
        CASE WHEN one.day = %(today)s THEN %(member)s::uuid END, amount
    FROM wanted CROSS JOIN LATERAL (VALUES
        (wanted.day, true),
        (%(today)s, wanted.day <> %(today)s AND (%(key)s <> '' OR %(member)s::uuid IS NOT NULL) AND amount > 0)
    ) AS one(day, is_needed)
    WHERE one.is_needed AND (%(margin)s = 0 OR NOT EXISTS (SELECT FROM reached))
)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is used, and whose limit it is. `limit` 0 is no limit."""

    kind: QuotaKind
    subject: str
    used: int
    limit: int

    @property
    def resets_at(self) -> datetime | None:
        of_day = not self.kind.is_stored or self.subject in (API_KEY, MEMBER)
        return next_reset() if of_day else None


class QuotaExceededError(OylError):
    """A quota is used up."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        what = f"the quota of the {standing.subject}, {standing.kind.value}"
        resets = (
            f"It is reset at {standing.resets_at:%Y-%m-%d %H:%M} UTC."
            if standing.resets_at
            else "Delete what is not needed any more, or ask an operator for more."
        )
        super().__init__(f"This exceeds {what}: {standing.used:,} of {standing.limit:,} are used. {resets}")


def charge(*, actor: Actor, amounts: Amounts, workspace_id: UUID | None = None) -> None:
    """Inside a scope: count what the actor is about to store or use. Raises QuotaExceededError, having counted nothing, when
    a limit would be exceeded; amounts that are not positive never are."""
    wanted = {kind: amount for kind, amount in amounts.items() if amount}
    is_exact = any(kind.is_exact and amount > 0 for kind, amount in wanted.items())
    reached = _count(actor, wanted, workspace_id, margin=MARGIN if is_exact else 1)
    if reached and is_exact:
        for kind in sorted({one.kind for one in reached}):
            _lock(kind)
        reached = _count(actor, wanted, workspace_id, margin=1)
    if reached:
        raise QuotaExceededError(reached[0])


def count(*, actor: Actor, amounts: Amounts, workspace_id: UUID | None = None) -> None:
    """As `charge`, but no limit is checked."""
    _count(actor, amounts, workspace_id, margin=0)


def standings() -> list[Standing]:
    """Inside a scope: how much of its quotas the tenant has used."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, sum(amount)::bigint FROM quota_uses WHERE tenant_id = %s AND day IN (%s, %s)"
            " AND (day = %s) = (kind = ANY(%s)) GROUP BY kind",
            [current_tenant_id(), STORED, today(), STORED, [kind for kind in QuotaKind if kind.is_stored]],
        )
        used = dict(cursor.fetchall())
        cursor.execute(
            "SELECT kind, amount FROM quota_limits"
            " WHERE tenant_id = %s AND workspace_id IS NULL AND credential = '' AND user_id IS NULL",
            [current_tenant_id()],
        )
        limits = {**settings.OYL_QUOTAS, **dict(cursor.fetchall())}
    return [Standing(kind, ORGANISATION, max(0, used.get(kind, 0)), limits[kind]) for kind in QuotaKind]


def own_standings(actor: Actor) -> list[Standing]:
    """Inside a scope: the same of the quotas that the actor's API key and the member have of their own."""
    found = nearly_reached(actor=actor, kinds=[*QuotaKind], share=0)
    return [one for one in found if one.subject != ORGANISATION]


def nearly_reached(
    *, actor: Actor, kinds: Collection[QuotaKind], workspace_id: UUID | None = None, share: float
) -> list[Standing]:
    """Inside a scope: the limits that concern the actor of which so much is used; with a share of 0, all of them."""
    wanted = [_wanted(kind, 1, 1) for kind in kinds]
    return _standings(REACHED + RESULT, actor, wanted, workspace_id, share=share)


def _count(actor: Actor, amounts: Amounts, workspace_id: UUID | None, *, margin: int) -> list[Standing]:
    """Insert the uses, unless limits would be exceeded by `margin` times the amounts: return these limits. With a margin of
    0 no limit is checked."""
    wanted = [
        _wanted(kind, amount, 1 if kind.may_overrun and margin == 1 else amount * margin)
        for kind, amount in amounts.items()
    ]
    return (
        _standings(REACHED + INSERT + RESULT, actor, wanted, workspace_id, margin=margin, share=1)
        if wanted
        else []
    )


def _wanted(kind: QuotaKind, amount: int, checked: int) -> dict[str, Any]:
    day = str(STORED if kind.is_stored else today())
    return {
        "kind": kind,
        "amount": amount,
        "checked": checked,
        "preset": settings.OYL_QUOTAS[kind],
        "day": day,
    }


def _standings(
    sql: str, actor: Actor, wanted: list[dict[str, Any]], workspace_id: UUID | None, **values: float
) -> list[Standing]:
    given = {
        "wanted": json.dumps(wanted),
        "tenant": current_tenant_id(),
        "workspace": workspace_id,
        "key": actor.counted_as if actor.scopes is not None else "",
        "member": actor.user_id,
        "today": today(),
        **values,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [
            Standing(QuotaKind(kind), subject, max(0, used), most) for kind, subject, used, most in cursor
        ]


def _lock(kind: QuotaKind) -> None:
    """Let only one transaction of the tenant near a limit of this kind go on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"quota/{current_tenant_id()}/{kind}"]
        )
