"""`manage.py set_quota KIND AMOUNT --tenant T`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from core.actors import Actor
from core.commands import TenantCommand
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.quota_kinds import QuotaKind
from core.quotas import Standing, standings
from tenants.services.quota_limits import save_quota_limit


class Command(TenantCommand):
    help = "Set how much of a kind the tenant may store, or use in a day."
    offers_all_tenants = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=QuotaKind.values, metavar="KIND")
        parser.add_argument("amount", type=int, help="0 is no limit")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Standing:
        with tenant_scope(actor.tenant_id):
            whole = QuotaLimit.objects.filter(
                kind=options["kind"], workspace_id=None, credential="", user_id=None
            )
            limit = whole.first() or QuotaLimit(kind=options["kind"])
            limit.amount = max(0, options["amount"])
            save_quota_limit(actor=actor, limit=limit)
            return next(one for one in standings() if one.kind == options["kind"])

    def describe(self, result: Standing) -> str:
        return f"{result.kind}: {result.used:,} of {result.limit:,} used"
