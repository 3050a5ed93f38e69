"""`manage.py verify_audit --tenant T | --all-tenants`"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from audit.anchors import AuditAnchorError
from audit.sealing import seal
from audit.verification import AuditReport, verify
from tenants.actors import Actor
from tenants.commands import TenantCommand


class Command(TenantCommand):
    help = (
        "Seal what is not sealed yet, then read the audit log and name the first row that is not as it was."
    )
    offers_all_tenants = True

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> AuditReport:
        with suppress(AuditAnchorError):  # verify says what is wrong
            seal(actor.tenant_id)
        return verify(actor.tenant_id)

    def describe(self, result: AuditReport) -> str:
        state = "NOT as it was written" if result.problem else "as it was written"
        return f"{result.tenant_id}: {result.events} events read, {result.unsealed} not sealed yet, {state}"

    def problem(self, result: AuditReport) -> str:
        return f"{result.tenant_id}: {result.problem.detail}" if result.problem else ""
