"""`query "SELECT …"`: exact answers from the data sources of a workspace."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from workspaces.data_sources.querying import query, workspace_with_tables


class Command(TenantCommand):
    help = "Run one SELECT over the data sources of a workspace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("sql", metavar="SELECT", help='as in "SELECT count(*) FROM sales"')
        parser.add_argument(
            "--workspace",
            default="",
            metavar="NAME_OR_ID",
            help="may be left out if only one has data sources",
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> list[dict[str, Any]]:
        workspace_id = workspace_with_tables(actor, options["workspace"])
        result = query(actor=actor, workspace_id=workspace_id, sql=options["sql"])
        if result.is_cut:
            self.stderr.write(f"Warning: only the first {len(result.rows):,} rows are shown.")
        return result.as_dicts()

    def describe(self, result: list[dict[str, Any]]) -> str:
        if not result:
            return "No rows."
        lines = ["\t".join(result[0])]
        lines += ("\t".join("" if value is None else str(value) for value in row.values()) for row in result)
        return "\n".join(lines)
