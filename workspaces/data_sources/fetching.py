"""The rows of a database query, as a file that the import reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from uuid import UUID

from core.isolation.scope import tenant_scope
from engines.tables import Loaded, ReadOptions, TableError, TableLimits, get_tables
from engines.tables.typed_rows import TYPED, TypedRows
from workspaces.integrations.base import Config, IntegrationError
from workspaces.integrations.clients.database_rows import ROWS_AT_ONCE, selected
from workspaces.models import DatabaseQuery, IntegrationConfig, IntegrationType

# Of one statement or one page of rows, and of all of them.
STATEMENT_SECONDS, FETCH_SECONDS = 300.0, 3600.0
MAX_ROWS, MAX_BYTES = 10_000_000, 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """All rows of a query in a file, with the types of the columns."""

    path: Path
    types: Mapping[str, str]
    warnings: tuple[str, ...]

    def load(self, target: Path, limits: TableLimits) -> Loaded:
        """Raises TableError."""
        options = ReadOptions(format=TYPED, types=self.types)
        loaded = get_tables().load(self.path, self.path.name, options, target, limits)
        return replace(loaded, warnings=(*self.warnings, *loaded.warnings))


def fetch(tenant_id: UUID, query: DatabaseQuery, folder: Path, report: Callable[[int], None]) -> Fetched:
    """Not inside a scope. `report` is called with the number of rows so far. Raises EngineError."""
    path, config = folder / "rows.jsonl", database_config(tenant_id, query)
    with selected(config, query.sql, statement_seconds=STATEMENT_SECONDS) as found, path.open("wb") as file:
        rows = TypedRows(found.names, found.declared)
        size, deadline = 0, time.monotonic() + FETCH_SECONDS
        for count, lines in _pages(rows.lines(found.rows)):
            size += file.write(b"".join(lines))
            report(count)
            _check_limits(count, size, deadline)
    return Fetched(path=path, types=rows.types(), warnings=tuple(rows.warnings()))


def database_config(tenant_id: UUID, query: DatabaseQuery) -> Config:
    """Raises IntegrationError."""
    with tenant_scope(tenant_id):
        rows = IntegrationConfig.objects.filter(type_enum=IntegrationType.DATABASE)
        integration = rows.filter(pk=query.integration_id).first()
        if integration is None:
            raise IntegrationError("integration_not_configured", reason="it was deleted")
        config: Config = integration.read_config()
        return config


def _pages(lines: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    count = 0
    while page := list(islice(lines, ROWS_AT_ONCE)):
        count += len(page)
        yield count, page


def _check_limits(count: int, size: int, deadline: float) -> None:
    """Raises TableError."""
    if count > MAX_ROWS:
        raise TableError("database_too_much", most=f"{MAX_ROWS:,} rows")
    if size > MAX_BYTES:
        raise TableError("database_too_much", most=f"{MAX_BYTES >> 30} GB")
    if time.monotonic() > deadline:
        raise TableError("table_too_slow", seconds=FETCH_SECONDS)
