"""The services for connectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import ConflictError, NotFoundError
from core.isolation.scope import tenant_scope
from core.json_schema import problems
from core.permissions import Role
from jobs.states import JobState
from knowledge.connectors.base import ConnectorError
from knowledge.connectors.kinds import KINDS
from knowledge.connectors.kinds.folder import allowed_folder
from knowledge.connectors.schedule import go_on, plan_again, plan_next_run, run_now
from knowledge.models import Connector, ConnectorItem, ConnectorRun, ItemOutcome, RunStage

ERRORS_SHOWN = 1000


class ConnectorNotFoundError(NotFoundError):
    """There is no such connector."""


class AmbiguousConnectorError(ConflictError):
    """Several references have a connector of this name. Give its id."""


class NothingToConfirmError(ConflictError):
    """This run does not ask whether to remove documents."""


def check_connector(connector: Connector) -> None:
    """Inside a scope. Raises ValidationError when the configuration or the integration does not fit the kind."""
    kind = KINDS[connector.kind]
    if found := problems(kind.form, connector.config_json):
        raise ValidationError({"config_json": found})
    wanted, given = kind.integration_type, connector.integration
    if wanted is None and given is not None:
        raise ValidationError({"integration": "This kind of connector needs no integration: leave it empty."})
    if wanted is not None and (given is None or given.type_enum != wanted):
        raise ValidationError({"integration": f"Choose an integration of the type '{wanted.label}'."})
    if given is not None and given.workspace_id != connector.reference.workspace_id:
        raise ValidationError({"integration": "Choose an integration of the reference's workspace."})
    if connector.kind == "folder":
        try:
            allowed_folder(connector.config_json["path"])
        except ConnectorError as error:
            raise ValidationError({"config_json": error.detail}) from None


def save_connector(*, actor: Actor, connector: Connector) -> None:
    """A new or changed one. After a change of what is fetched, the next run fetches all of it. Raises ValidationError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        check_connector(connector)
        before = Connector.objects.filter(pk=connector.pk).first()
        save_audited(actor=actor, instance=connector, role=Role.ADMIN)
        if before and before.config_json != connector.config_json:
            ConnectorItem.objects.filter(connector=connector).update(version="", state_json={})
        if before is None or before.every_minutes != connector.every_minutes:
            plan_again(connector)


def delete_connectors(*, actor: Actor, connectors: list[Connector]) -> None:
    """Their documents stay, and are kept up to date no more."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        runs = ConnectorRun.objects.unfinished().filter(connector__in=connectors)
        runs.locked().finish(JobState.CANCELLED)
        soft_delete_audited(actor=actor, instances=connectors, role=Role.ADMIN)


def start_sync(*, actor: Actor, connector_id: UUID) -> ConnectorRun:
    """The run that fetches what has changed: the one that is under way, or another one. Raises ConnectorNotFoundError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        connector = Connector.objects.select_related("reference").filter(pk=connector_id).first()
        if connector is None:
            raise ConnectorNotFoundError
        run = run_now(connector)
        record(
            actor=actor,
            action="connector.sync_started",
            target=connector,
            workspace_id=connector.reference.workspace_id,
            run=str(run.pk),
        )
    return run


def decide_prune(*, actor: Actor, run_id: UUID, remove: bool) -> None:
    """Let a run that asks remove the documents that have gone, or leave them until the next run. Raises
    NothingToConfirmError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        rows = ConnectorRun.objects.filter(pk=run_id, state=JobState.WAITING, stage=RunStage.ASKING)
        run = rows.select_for_update(no_key=True, of=("self",)).select_related("connector__reference").first()
        if run is None:
            raise NothingToConfirmError
        if remove:
            go_on(run)
        else:
            rows.finish(JobState.DONE)
            plan_next_run(run.connector)
        record(
            actor=actor,
            action="connector.prune_allowed" if remove else "connector.prune_refused",
            target=run.connector,
            workspace_id=run.connector.reference.workspace_id,
            gone=run.gone,
        )


def failures_of(run: ConnectorRun) -> list[dict[str, str]]:
    """Inside a scope: the items that the run could not fetch, and why."""
    rows = ConnectorItem.objects.filter(
        connector=run.connector_id, run_id=run.pk, outcome=ItemOutcome.FAILED
    ).order_by("key")
    return [
        {"item": row.key, "code": row.error_code, "detail": row.error_detail} for row in rows[:ERRORS_SHOWN]
    ]


def one_connector(tenant_id: UUID, name_or_id: str) -> Connector:
    """Raises ConnectorNotFoundError and AmbiguousConnectorError."""
    with tenant_scope(tenant_id):
        found: list[Any] = [
            row for row in Connector.objects.order_by("name") if name_or_id in (str(row.pk), row.name)
        ]
    if not found:
        raise ConnectorNotFoundError(f"There is no connector '{name_or_id}'.")
    if len(found) > 1:
        raise AmbiguousConnectorError
    return found[0]  # type: ignore[no-any-return]
