"""`reconcile [--repair]`: compare the stores."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from jobs.drain import wait_until_idle, workers_are_running
from jobs.handlers import handler_of
from knowledge.engine_config import vector_store
from knowledge.models import IngestionJob
from knowledge.reconcile.comparison import reconcile
from knowledge.reconcile.findings import FindingKind, Report

MAX_SHOWN = 20


class Command(TenantCommand):
    help = (
        "Compare PostgreSQL, the vector store and the file storage, both ways; --repair mends what differs."
    )
    offers_all_tenants = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--repair", action="store_true")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Report:
        report = reconcile(actor=actor, store=vector_store(), repair=options["repair"])
        if report.repaired and not workers_are_running():
            wait_until_idle(handler_of(IngestionJob), actor.tenant_id)
        return report

    def describe(self, result: Report) -> str:
        if not result.findings:
            return f"{result.tenant_id}: {'compared in part' if result.problems else 'everything agrees'}."
        counts = ", ".join(f"{count} {kind}" for kind, count in result.counts.items())
        lines = [f"{result.tenant_id}: {counts}; {result.repaired} repaired."]
        lines += [f"  {finding.kind} {finding.subject}" for finding in result.findings[:MAX_SHOWN]]
        if len(result.findings) > MAX_SHOWN:
            lines.append(f"  … and {len(result.findings) - MAX_SHOWN} more (--json has all)")
        return "\n".join(lines)

    def problem(self, result: Report) -> str:
        left = len(result.findings) - result.repaired
        missing_files = result.counts.get(FindingKind.MISSING_FILE, 0)
        sentences = []
        if left > 0:
            sentences.append(f"{left} inconsistencies are left.")
        if left > missing_files and not result.problems:
            sentences.append("Run again with --repair.")
        if missing_files > 0:
            sentences.append(f"{missing_files} files are missing: upload them again.")
        return " ".join([*sentences, *result.problems])
