"""What can be done with tenants and their members. (The one place below `audit` that may record to it.)"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, models

from audit.services import record
from tenants.actors import Actor, command_actor
from tenants.encryption import EncryptedJSONField
from tenants.errors import ConflictError
from tenants.models import Membership, Role, Tenant, User, new_id
from tenants.rotation import Rotation, encrypted_fields, lock_batch, reseal
from tenants.scope import tenant_scope


class TenantExistsError(ConflictError):
    """There is a tenant of this name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """`password` is None when the user existed before: they keep their own."""

    tenant_id: UUID
    admin_email: str
    password: str | None


def create_tenant(*, name: str, admin_email: str, credential: str = "create_tenant") -> NewTenant:
    """A tenant with its owner, who is made when no user has that e-mail. Raises TenantExistsError."""
    tenant_id = new_id()
    actor = command_actor(tenant_id, credential)
    try:
        with tenant_scope(tenant_id):
            tenant = Tenant.objects.create(id=tenant_id, name=name)
            user, password = _find_or_make_user(admin_email)
            Membership.objects.create(user=user, role=Role.OWNER)
            record(actor=actor, action="tenant.created", target=tenant, new={"owner": str(user.pk)})
    except IntegrityError as error:
        if "tenants_name" not in str(error):
            raise
        raise TenantExistsError(f"There is a tenant named '{name}' already. Choose another name.") from error
    return NewTenant(tenant_id=tenant_id, admin_email=user.email, password=password)


def _find_or_make_user(email: str) -> tuple[User, str | None]:
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, None
    password = secrets.token_urlsafe(12)
    validate_password(password)
    return User.objects.create_user(email, password), password


def set_role(*, actor: Actor, membership: Membership, role: Role) -> None:
    """Raises ForbiddenError below admin, and when an admin would make or unmake an owner."""
    actor.require(Role.OWNER if Role.OWNER in (role, membership.role) else Role.ADMIN)
    old, membership.role = membership.role, role
    membership.save(update_fields=["role", "updated_at"])
    record(
        actor=actor, action="membership.role_changed", target=membership, old={"role": old}, new={"role": role}
    )


def rotate_keys(*, actor: Actor) -> Rotation:
    """Encrypt the tenant's secrets anew with the first key. Each batch is a transaction with its audit event:
    after an interruption the next run goes on."""
    actor.require(Role.OWNER)
    result = Rotation(tenant_id=actor.tenant_id)
    for secret in encrypted_fields():
        last: UUID | None = None
        while True:
            with tenant_scope(actor.tenant_id):
                batch = lock_batch(secret, last)
                if not batch:
                    break
                _rotate_batch(actor, secret, batch, result)
            last = batch[-1].pk
    return result


def _rotate_batch(
    actor: Actor, secret: EncryptedJSONField, batch: list[models.Model], result: Rotation
) -> None:
    problems = [problem for row in batch if (problem := reseal(secret, row))]
    result.unreadable += problems
    if rotated := len(batch) - len(problems):
        table = secret.model._meta.db_table
        result.rotated[table] = result.rotated.get(table, 0) + rotated
        record(actor=actor, action="secrets.rotated", table=table, count=rotated)
