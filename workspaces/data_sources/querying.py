"""Exact answers: one SELECT over the data sources of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from audit.services import charge_with_event, record_charged
from core.actors import Actor
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.name_fields import as_uuid
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.tenant_slots import TenantSlots
from engines.singleton import Singleton
from engines.tables import QueryResult, TableError, TableLimits, get_tables
from workspaces.data_sources.errors import TableRefusedError
from workspaces.data_sources.files import local_paths
from workspaces.models import DataSource, Workspace

EVENT = "data_source.queried"
LIMITS = TableLimits()
EXPORT_LIMITS = TableLimits(seconds=120.0, rows=10_000_000, file_mb=2048)
_RECORDED = 2_000
Answer = TypeVar("Answer")


@Singleton
def query_slots() -> TenantSlots:
    """In a process with four, no tenant occupies all."""
    return TenantSlots(most=2, wait_seconds=LIMITS.seconds)


def query(
    *,
    actor: Actor,
    workspace_id: UUID,
    sql: str,
    values: Mapping[str, Any] | None = None,
    limits: TableLimits = LIMITS,
) -> QueryResult:
    """`values` stand for `$name` in the statement. Not inside a scope. Raises TableRefusedError, TableError if a retry
    helps, QuotaExceededError and TooBusyError."""
    return _answered(actor, workspace_id, sql, lambda tables: get_tables().query(sql, tables, limits, values))


def export(*, actor: Actor, workspace_id: UUID, sql: str, target: Path, format: str) -> None:
    """The rows as a file, "csv" or "parquet". Raises as `query`."""
    _answered(
        actor,
        workspace_id,
        sql,
        lambda tables: get_tables().export(sql, tables, target, format, EXPORT_LIMITS),
    )


def _answered(
    actor: Actor, workspace_id: UUID, sql: str, ask: Callable[[Mapping[str, Path]], Answer]
) -> Answer:
    """A file may be replaced by that of a new import while it is opened: then once more."""
    actor.require(Role.VIEWER)
    with tenant_scope(actor.tenant_id):
        charge_with_event(actor=actor, amounts={QuotaKind.SEARCH: 1}, action=EVENT)
        record_charged(actor=actor, action=EVENT, workspace=str(workspace_id), sql=sql[:_RECORDED])
    with query_slots().hold(actor.tenant_id):
        try:
            tables = _tables(actor, workspace_id)
            try:
                return ask(tables)
            except TableError:
                if (now := _tables(actor, workspace_id)) == tables:
                    raise
                return ask(now)
        except TableError as error:
            if error.retryable:
                raise
            raise TableRefusedError(error) from error


def _tables(actor: Actor, workspace_id: UUID) -> dict[str, Path]:
    with tenant_scope(actor.tenant_id):
        rows = DataSource.objects.filter(workspace=workspace_id, workspace__deleted_at=None)
        return local_paths(dict(rows.exclude(file_path="").values_list("name", "file_path")))


def workspace_with_tables(actor: Actor, name_or_id: str = "") -> UUID:
    """The workspace of this name or id, or the only one with data sources. Raises NotFoundError and InvalidError."""
    with tenant_scope(actor.tenant_id):
        rows = Workspace.objects.order_by("name")
        if name_or_id:
            pk = as_uuid(name_or_id)
            rows = rows.filter(pk=pk) if pk else rows.filter(name=name_or_id)
        else:
            rows = rows.filter(pk__in=DataSource.objects.values("workspace"))
        found = dict(rows.values_list("pk", "name")[:10])
    if not found:
        raise NotFoundError(
            f"There is no workspace '{name_or_id}'." if name_or_id else "There are no data sources."
        )
    if len(found) > 1:
        raise InvalidError(
            f"Several workspaces have data sources: {', '.join(found.values())}. Name one of them."
        )
    (pk,) = found
    return UUID(str(pk))
