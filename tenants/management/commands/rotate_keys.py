"""`manage.py rotate_keys --tenant T | --all-tenants`"""

from __future__ import annotations

from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from core.encryption.rotation import Rotation
from tenants.services.organisations import rotate_keys


class Command(TenantCommand):
    help = "Encrypt secrets again with the first key of OYL_ENCRYPTION_KEYS. May be stopped and repeated."
    offers_all_tenants = True

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Rotation:
        return rotate_keys(actor=actor)

    def describe(self, result: Rotation) -> str:
        counts = ", ".join(f"{count} in {table}" for table, count in result.rotated.items())
        return f"{result.tenant_id}: {counts or 'nothing to do'}"

    def problem(self, result: Rotation) -> str:
        return "\n".join(result.unreadable)
