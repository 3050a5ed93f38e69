"""`manage.py list_tenants`"""

from __future__ import annotations

from typing import Any

from core.commands import OylCommand
from core.isolation.tenant_directory import all_tenants


class Command(OylCommand):
    help = "The tenants there are, by name."

    def run(self, *args: Any, **options: Any) -> list[dict[str, Any]]:
        return [{"id": tenant_id, "name": name} for tenant_id, name in all_tenants().items()]

    def describe(self, result: list[dict[str, Any]]) -> str:
        return (
            "\n".join(f"{tenant['id']}  {tenant['name']}" for tenant in result) or "There are no tenants yet."
        )
