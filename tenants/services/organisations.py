"""The services for tenants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from audit.platform import record_platform
from audit.services import record, save_audited
from core.actors import Actor, ActorKind, PlatformActor, command_actor
from core.encryption.rotation import Rotation, encrypted_fields, lock_batch, reencrypt
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.look_alikes import look_alike
from core.models import new_id
from core.permissions import Role
from tenants.access import tenants_of_user
from tenants.models import Membership, Tenant
from tenants.second_factors import reencrypt_second_factors
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
    _refuse_look_alike(name, all_tenants().values())
    tenant_id = new_id()
    actor = command_actor(tenant_id, credential)
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.create(id=tenant_id, name=name)
        record(actor=actor, action="tenant.created", target=tenant, new={"name": tenant.name})
        platform = PlatformActor(kind=ActorKind.COMMAND, credential=credential)
        record_platform(actor=platform, action="tenant.created", target=tenant, name=name)
        made = invite(actor=actor, email=admin_email, role=Role.OWNER)
    assert made.link, "a command is given the link"
    return NewTenant(tenant_id=tenant_id, admin_email=made.invitation.email, link=made.link)


def update_tenant(*, actor: Actor, tenant: Tenant) -> None:
    """A name need not differ from those of tenants that the actor cannot see: a refusal would reveal them. Raises
    ForbiddenError below admin, TenantExistsError."""
    seen = tenants_of_user(actor.user_id) if actor.user_id else []
    _refuse_look_alike(tenant.name, [one.name for one in seen if one.tenant_id != tenant.pk])
    save_audited(actor=actor, instance=tenant, role=Role.ADMIN)


def _refuse_look_alike(name: str, others: Iterable[str]) -> None:
    """Raises TenantExistsError."""
    if alike := next((other for other in others if look_alike(name, other)), None):
        raise TenantExistsError(f"There is a tenant named '{alike}' already. Choose another name.")


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
    with tenant_scope(actor.tenant_id):
        members = list(Membership.objects.values_list("user_id", flat=True))
    if factors := reencrypt_second_factors(members):
        result.rotated["mfa_authenticator"] = factors
    return result
