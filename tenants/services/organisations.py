"""The services for tenants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from audit.platform import record_platform
from audit.services import record, save_audited
from core.actors import Actor, ActorKind, PlatformActor, command_actor
from core.encryption.rotation import Rotation, encrypted_fields, lock_batch, reencrypt
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from tenants.models import Tenant
from tenants.services.invitations import invite


class TenantExistsError(ConflictError):
    """There is a tenant of this name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """`link` is the owner's invitation, which is shown only here."""

    tenant_id: UUID
    admin_email: str
    link: str


def create_tenant(*, name: str, admin_email: str, credential: str = "create_tenant") -> NewTenant:
    """Create a tenant, and invite its owner. Raises TenantExistsError."""
    tenant_id = new_id()
    actor = command_actor(tenant_id, credential)
    with _unique_name(name), tenant_scope(tenant_id):
        tenant = Tenant.objects.create(id=tenant_id, name=name)
        record(actor=actor, action="tenant.created", target=tenant, new={"name": tenant.name})
        platform = PlatformActor(kind=ActorKind.COMMAND, credential=credential)
        record_platform(actor=platform, action="tenant.created", target=tenant, name=name)
        made = invite(actor=actor, email=admin_email, role=Role.OWNER)
    assert made.link, "a command is given the link"
    return NewTenant(tenant_id=tenant_id, admin_email=made.invitation.email, link=made.link)


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    """Let the database check the name, because a scope does not see all tenants. Raises TenantExistsError."""
    try:
        yield
    except IntegrityError as error:
        if "tenants_name" not in str(error):
            raise
        raise TenantExistsError(f"There is a tenant named '{name}' already. Choose another name.") from error


def update_tenant(*, actor: Actor, tenant: Tenant) -> None:
    """Raises ForbiddenError below admin, TenantExistsError."""
    with _unique_name(tenant.name):
        save_audited(actor=actor, instance=tenant, role=Role.ADMIN)


def rotate_keys(*, actor: Actor) -> Rotation:
    """Encrypt the tenant's secrets again with the first key. Each batch is a transaction with its audit event, so that the
    next run continues after an interruption."""
    actor.require(Role.OWNER)
    result = Rotation(tenant_id=actor.tenant_id)
    for secret in encrypted_fields():
        last: UUID | None = None
        while True:
            with tenant_scope(actor.tenant_id):
                batch = lock_batch(secret, last)
                if not batch:
                    break
                problems = [problem for row in batch if (problem := reencrypt(secret, row))]
                result.unreadable += problems
                if rotated := len(batch) - len(problems):
                    table = secret.model._meta.db_table
                    result.rotated[table] = result.rotated.get(table, 0) + rotated
                    record(actor=actor, action="secrets.rotated", table=table, count=rotated)
            last = batch[-1].pk
    return result
