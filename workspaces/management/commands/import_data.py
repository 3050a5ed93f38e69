"""`import_data FILE`: a file of rows into a data source."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand, new_name
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from jobs.drain import wait_until_idle
from jobs.handlers import handler_of
from jobs.states import JobState
from workspaces.data_sources.importing import get_or_create_data_source, upload
from workspaces.models import DataImport
from workspaces.services import get_or_create_workspace


class DataImportFailedError(InvalidError):
    """The file could not be imported."""


class Command(TenantCommand):
    help = "Import CSV, TSV, XLSX, ODS, JSON, JSON lines or Parquet into a data source, which is made when missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--workspace", required=True, type=new_name)
        parser.add_argument("--name", required=True, type=new_name, help="of the data source")
        parser.add_argument(
            "--sheet", default="", help="of a workbook; the first one with cells unless given"
        )
        parser.add_argument("--encoding", default="", help="of a text file; recognised unless given")
        parser.add_argument("--delimiter", default="", help="of a text file; recognised unless given")
        parser.add_argument("--no-header", action="store_true", help="the first row has values, not names")
        parser.add_argument(
            "--type",
            action="append",
            default=[],
            dest="types",
            metavar="COLUMN=TYPE",
            help="text, integer, number, decimal, boolean, date, time or timestamp; may be repeated",
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        path: Path = options["file"]
        if not path.is_file():
            raise DataImportFailedError(f"There is no file '{path}'.")
        workspace = get_or_create_workspace(actor=actor, name=options["workspace"])
        source = get_or_create_data_source(actor=actor, workspace=workspace, name=options["name"])
        row = upload(
            actor=actor,
            data_source_id=source.pk,
            path=path,
            filename=path.name,
            options=_read_options(options),
            starts=True,
        )
        wait_until_idle(handler_of(DataImport), actor.tenant_id)
        with tenant_scope(actor.tenant_id):
            row = DataImport.objects.select_related("data_source").get(pk=row.pk)
            if row.state != JobState.DONE:
                raise DataImportFailedError("\n".join([row.error_detail, *map(_in_words, row.errors_json)]))
            return {
                "rows": row.row_count,
                "columns": row.data_source.schema_json,
                "warnings": row.warnings_json,
            }

    def describe(self, result: dict[str, Any]) -> str:
        columns = ", ".join(f"{column['name']} ({column['type']})" for column in result["columns"])
        return "\n".join([f"{result['rows']:,} rows: {columns}", *result["warnings"]])


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options[name] for name in ("sheet", "encoding", "delimiter") if options[name]}
    if options["no_header"]:
        given["has_header"] = False
    if options["types"]:
        given["types"] = dict(pair.rpartition("=")[::2] for pair in options["types"])
    return given


def _in_words(cell: dict[str, Any]) -> str:
    where = f"row {cell['row']}" + (f", column '{cell['column']}'" if cell["column"] else "")
    return f"  {where}: '{cell['value']}' ({cell['reason']})"
