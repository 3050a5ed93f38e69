"""`manage.py check_rls`"""

from __future__ import annotations

from typing import Any

from core.commands import OylCommand
from core.isolation import check, pg_catalog


class Command(OylCommand):
    help = "Ask PostgreSQL whether every tenant's table is isolated."

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        return {"tables": len(check.tenant_tables(pg_catalog.read())), "findings": check.check()}

    def describe(self, result: dict[str, Any]) -> str:
        lines = [f"{violation.where}: {violation.detail}" for violation in result["findings"]]
        return "\n".join([*lines, f"{result['tables']} tenant tables checked, {len(lines)} findings"])

    def problem(self, result: dict[str, Any]) -> str:
        return "Tenants are not isolated as they must be." if result["findings"] else ""
