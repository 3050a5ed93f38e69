"""The services for queries of databases that keep the rows of a data source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.tables import TableError
from jobs import planning
from jobs.states import JobState
from workspaces.data_sources.importing import QUEUE
from workspaces.integrations import IntegrationError
from workspaces.models import DatabaseQuery, DataImport, IntegrationType


class DatabaseQueryNotFoundError(NotFoundError):
    """There is no such database query."""


def check_query(query: DatabaseQuery) -> None:
    """Inside a scope. Raises ValidationError."""
    from workspaces.integrations.clients.database_rows import check_select

    integration = query.integration
    if integration.type_enum != IntegrationType.DATABASE:
        raise ValidationError({"integration": "Choose an integration of the type 'Database'."})
    if integration.workspace_id != query.data_source.workspace_id:
        raise ValidationError({"integration": "Choose an integration of the data source's workspace."})
    try:
        check_select(integration.read_config(), query.sql)
    except IntegrationError as error:
        raise ValidationError({"integration": error.detail}) from None
    except TableError as error:
        raise ValidationError({"sql": error.detail}) from None


def save_query(*, actor: Actor, query: DatabaseQuery) -> None:
    """A new or changed one. Raises ValidationError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        check_query(query)
        before = DatabaseQuery.objects.filter(pk=query.pk).first()
        save_audited(actor=actor, instance=query, role=Role.ADMIN)
        if before is None or before.every_minutes != query.every_minutes:
            planning.plan_again(_imports_of(query), _new_import(query), query.every_minutes)


def delete_queries(*, actor: Actor, queries: Sequence[DatabaseQuery]) -> None:
    """The rows stay as they are."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        DataImport.objects.unfinished().filter(query__in=queries).locked().finish(JobState.CANCELLED)
        soft_delete_audited(actor=actor, instances=queries, role=Role.ADMIN)


def run_query(*, actor: Actor, query_id: UUID) -> DataImport:
    """The import that is under way, or another one. Raises DatabaseQueryNotFoundError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = DatabaseQuery.objects.select_related("data_source", "integration")
        query = rows.filter(pk=query_id, data_source__deleted_at=None).first()
        if query is None:
            raise DatabaseQueryNotFoundError
        made: DataImport = planning.run_now(_imports_of(query), _new_import(query), QUEUE)
        record(
            actor=actor,
            action="database_query.started",
            target=query,
            workspace_id=query.data_source.workspace_id,
            new={"import": str(made.pk)},
        )
    return made


def plan_next_run(query: DatabaseQuery | None) -> None:
    """Inside a scope, when an import has ended."""
    if query and query.deleted_at is None:
        planning.plan_next(_new_import(query), query.every_minutes)


def _imports_of(query: DatabaseQuery) -> Any:
    return DataImport.objects.filter(query=query)


def _new_import(query: DatabaseQuery) -> DataImport:
    name = f"Query of {query.integration.name}"[:255]
    return DataImport(data_source_id=query.data_source_id, query=query, filename=name)
