"""`sync CONNECTOR`: what has changed at a connector's source, into its reference."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from core.isolation.scope import tenant_scope
from jobs.drain import wait_until_idle
from jobs.handlers import handler_of
from jobs.states import JobState
from knowledge.connectors.services import failures_of, one_connector, start_sync
from knowledge.models import ConnectorRun, IngestionJob


@dataclass(kw_only=True)
class Result:
    """`gone` is how many documents the source has no more, when the run asks before it removes them; `error` says why the
    run has failed as a whole."""

    run: str
    state: str
    added: int
    updated: int
    unchanged: int
    removed: int
    gone: int
    failed: list[dict[str, str]] = field(default_factory=list)
    error: str = ""


class Command(TenantCommand):
    help = "Fetch what has changed at the source of a connector, which is named by its name or its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("connector", metavar="CONNECTOR")
        parser.add_argument(
            "--wait", action="store_true", help="return when the run has ended and its documents are done"
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Result:
        connector = one_connector(actor.tenant_id, options["connector"])
        run = start_sync(actor=actor, connector_id=connector.pk)
        if options["wait"]:
            with self.progress(unit="item") as progress:
                wait_until_idle(handler_of(ConnectorRun), actor.tenant_id, progress)
                wait_until_idle(handler_of(IngestionJob), actor.tenant_id, progress)
        with tenant_scope(actor.tenant_id):
            run.refresh_from_db()
            failed = failures_of(run)
        return Result(
            run=str(run.pk),
            state=run.state,
            added=run.added,
            updated=run.updated,
            unchanged=run.unchanged,
            removed=run.removed,
            gone=run.gone if run.state == JobState.WAITING else 0,
            failed=failed,
            error=run.error_detail,
        )

    def describe(self, result: Result) -> str:
        lines = [f"  {failure['item']}: {failure['detail']} ({failure['code']})" for failure in result.failed]
        counts = f"{result.added} added, {result.updated} updated, {result.unchanged} unchanged, {result.removed} removed"
        return "\n".join([f"{result.state}: {counts}", *lines])

    def problem(self, result: Result) -> str:
        if result.gone:
            return (
                f"The source has {result.gone} documents no more. Allow it to remove them, on the page of the run or with "
                f"POST /api/v1/connector-runs/{result.run}/prune/."
            )
        if result.state == JobState.ERROR:
            return result.error
        return f"Items that could not be fetched: {len(result.failed)}." if result.failed else ""
