"""The services for members."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from audit.services import record
from core.actors import Actor
from core.errors import ConflictError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership
from tenants.services.users import get_or_create_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """`password` is None when the user existed before."""

    membership: Membership
    password: str | None


def invite_member(*, actor: Actor, email: str, role: Role) -> Invitation:
    """Create the user unless there is one with that e-mail. Raises ForbiddenError below admin, and when an admin makes an
    owner; ConflictError when the user is a member already."""
    actor.require(Role.OWNER if role == Role.OWNER else Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        user, password = get_or_create_user(email)
        membership, is_new = Membership.objects.get_or_create(user=user, defaults={"role": role})
        if not is_new:
            raise ConflictError(f"{user.email} is a member already. Change their role instead.")
        record(actor=actor, action="membership.created", target=membership, new=_event_values(membership))
    return Invitation(membership=membership, password=password)


def set_role(*, actor: Actor, membership: Membership, role: Role) -> None:
    """Raises ForbiddenError below admin, and when an admin adds or removes an owner; ConflictError when no owner would be
    left."""
    with tenant_scope(actor.tenant_id):
        old = _reload(membership).role
        actor.require(Role.OWNER if Role.OWNER in (role, old) else Role.ADMIN)
        if role == old:
            return
        if old == Role.OWNER:
            _require_other_owner(membership)
        membership.role = role
        membership.save(update_fields=["role", "updated_at"])
        record(
            actor=actor,
            action="membership.role_changed",
            target=membership,
            old={"role": old},
            new={"role": role},
        )


def remove_member(*, actor: Actor, membership: Membership) -> None:
    """Delete the membership; the user remains. Raises as `set_role` does."""
    with tenant_scope(actor.tenant_id):
        leaving = _reload(membership)
        actor.require(Role.OWNER if leaving.role == Role.OWNER else Role.ADMIN)
        if leaving.role == Role.OWNER:
            _require_other_owner(leaving)
        record(actor=actor, action="membership.deleted", target=leaving, old=_event_values(leaving))
        leaving.delete()


def member_named(tenant_id: UUID, email: str | None) -> Membership:
    """Find an active member by e-mail; the first owner when none is given. Raises NotFoundError."""
    with tenant_scope(tenant_id):
        members = Membership.objects.filter(user__is_active=True).select_related("user").order_by("pk")
        which = {"user__email": email.lower()} if email else {"role": Role.OWNER}
        found: Membership | None = members.filter(**which).first()
    if found is None:
        raise NotFoundError(f"There is no active member '{email}'." if email else "There is no active owner.")
    return found


def _reload(membership: Membership) -> Membership:
    """The row in the database: the caller's instance may be outdated or modified. Raises NotFoundError."""
    found: Membership | None = Membership.objects.filter(pk=membership.pk).first()
    if found is None:
        raise NotFoundError("They are no member any more.")
    return found


def _require_other_owner(leaving: Membership) -> None:
    """Lock the owners, so that two who leave at the same time do not both succeed. Raises ConflictError."""
    owners = Membership.objects.select_for_update().filter(role=Role.OWNER).values_list("pk", flat=True)
    if not set(owners) - {leaving.pk}:
        raise ConflictError("An organisation needs an owner. Make somebody else owner first.")


def _event_values(membership: Membership) -> dict[str, str]:
    return {"user": str(membership.user_id), "role": membership.role}
