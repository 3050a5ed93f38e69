"""Rows with encrypted fields, and their envelopes in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from core.encryption.fields import EncryptedJSONField
from core.encryption.rotation import encrypted_fields
from core.isolation.scope import tenant_scope
from core.models import new_id
from tenants.models import Tenant
from webhooks.models import WebhookSubscription
from workspaces.models import IntegrationConfig, IntegrationType, Workspace


def _tenant(name: str) -> Tenant:
    found: Tenant = Tenant.objects.get()
    return found


def _integration_config(name: str) -> IntegrationConfig:
    workspace, _ = Workspace.objects.get_or_create(name="Main")
    kind = IntegrationType.WEBHOOK
    made: IntegrationConfig = IntegrationConfig.objects.create(workspace=workspace, name=name, type_enum=kind)
    return made


def _webhook(name: str) -> WebhookSubscription:
    workspace, _ = Workspace.objects.get_or_create(name="Main")
    events = ["document.failed"]
    made: WebhookSubscription = WebhookSubscription.objects.create(
        workspace=workspace, name=name, events_json=events
    )
    return made


# {model: function that creates a row, inside a scope}, for every model with an encrypted field.
MAKERS: dict[type[models.Model], Callable[[str], models.Model]] = {
    Tenant: _tenant,
    IntegrationConfig: _integration_config,
    WebhookSubscription: _webhook,
}


@dataclass(frozen=True, slots=True)
class Place:
    """An encrypted field of one row."""

    tenant_id: UUID
    field: EncryptedJSONField
    pk: UUID

    @property
    def column(self) -> tuple[str, str]:
        return self.field.model._meta.db_table, self.field.attname

    def row(self) -> Any:
        return self.field.model._base_manager.get(pk=self.pk)

    def decrypt(self) -> Any:
        return getattr(self.row(), self.field.attname).decrypt()

    def read(self) -> bytes:
        """Return the stored envelope."""
        table, column = self.column
        with tenant_scope(self.tenant_id), connection.cursor() as cursor:
            cursor.execute(f"SELECT {column}::text FROM {table} WHERE id = %s", [self.pk])
            return str(cursor.fetchone()[0]).encode()

    def write(self, envelope: bytes) -> None:
        """Inside a scope: store the envelope with SQL. Raises DataError if it is not JSON."""
        table, column = self.column
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = convert_from(%s, 'UTF8')::jsonb WHERE id = %s",
                [envelope, self.pk],
            )
            assert cursor.rowcount == 1

    @contextmanager
    def holding(self, envelope: bytes) -> Iterator[None]:
        """Replace the envelope until the block ends."""
        with tenant_scope(self.tenant_id), transaction.atomic():
            self.write(envelope)
            yield
            transaction.set_rollback(True)


def make_places(tenant_id: UUID, rows: int) -> list[Place]:
    """Return the encrypted fields of `rows` rows of each model; each has its own place as its secret."""
    places = []
    with tenant_scope(tenant_id):
        for field in encrypted_fields():
            for n in range(rows):
                row = MAKERS[field.model](f"{field.attname} {n} {new_id()}")
                place = Place(tenant_id, field, row.pk)
                setattr(row, field.attname, str(place))
                row.save()
                places.append(place)
    return list(dict.fromkeys(places))
