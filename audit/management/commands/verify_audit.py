"""`manage.py verify_audit --tenant T | --all-tenants`"""

from __future__ import annotations

from typing import Any

from audit.sealing import seal
from audit.verification import AuditReport, verify
from core.actors import Actor
from core.commands import TenantCommand


class Command(TenantCommand):
    help = "Read the audit log and name the first row that is not as it was; if there is none, seal what is not sealed yet."
    offers_all_tenants = True

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> AuditReport:
        report = verify(actor.tenant_id)
        if report.unsealed and not report.problem:
            seal(actor.tenant_id)
        return report

    def describe(self, result: AuditReport) -> str:
        state = "NOT as it was written" if result.problem else "as it was written"
        return f"{result.tenant_id}: {result.events} events read, {result.unsealed} sealed only now, {state}"

    def problem(self, result: AuditReport) -> str:
        return f"{result.tenant_id}: {result.problem.detail}" if result.problem else ""
