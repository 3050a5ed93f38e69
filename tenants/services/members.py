"""The services for members."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F
from django.utils import timezone

from audit.services import record
from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.access import every_tenant_of
from tenants.models import Invitation, Membership
from tenants.revoking import revoke_invitations, revoke_what_they_made
from tenants.roles import require_may_appoint, require_rank_over, role_over


def set_role(*, actor: Actor, membership: Membership, role: Role) -> None:
    """Pending invitations that the member could not make any more are revoked. Raises ForbiddenError as `require_rank_over`
    and `require_may_appoint`, ConflictError when no owner would be left."""
    with tenant_scope(actor.tenant_id):
        old = Role(_reload(membership).role)
        require_rank_over(actor, old)
        require_may_appoint(actor, role)
        if role == old:
            return
        if old == Role.OWNER:
            _require_other_owner(membership)
        membership.role = role
        membership.save(update_fields=["role", "updated_at"])
        beyond = [one for one in Role if role.rank < role_over(one).rank]
        invitations = Invitation.objects.filter(invited_by=membership.user_id, role__in=beyond)
        revoked = revoke_invitations(actor=actor, invitations=invitations, why="the inviter's role changed")
        record(
            actor=actor,
            action="membership.role_changed",
            target=membership,
            old={"role": old, "revoked_invitations": revoked},
            new={"role": role},
        )


def remove_member(*, actor: Actor, membership: Membership) -> None:
    """Delete the membership, and revoke the keys, which must not work again if the person returns, and the pending
    invitations. The user remains. Raises ForbiddenError as `require_rank_over`, ConflictError when no owner would be
    left."""
    with tenant_scope(actor.tenant_id):
        leaving = _reload(membership)
        require_rank_over(actor, Role(leaving.role))
        if leaving.role == Role.OWNER:
            _require_other_owner(leaving)
        revoked = revoke_what_they_made(actor=actor, user_id=leaving.user_id, why="the member was removed")
        old = {**event_values(leaving), **revoked}
        record(actor=actor, action="membership.deleted", target=leaving, old=old)
        leaving.delete()


def suspend_member(*, actor: Actor, membership: Membership) -> None:
    """Sessions and keys of the person open the tenant no more, and links that they have made invite nobody, until they are
    let in again. Raises ForbiddenError as `require_rank_over` and for oneself, ConflictError when no owner would be left."""
    _suspend(actor, membership, on=True)


def resume_member(*, actor: Actor, membership: Membership) -> None:
    """Everything works again as before. Raises ForbiddenError as `require_rank_over`."""
    _suspend(actor, membership, on=False)


def _suspend(actor: Actor, membership: Membership, *, on: bool) -> None:
    with tenant_scope(actor.tenant_id):
        found = _reload(membership)
        require_rank_over(actor, Role(found.role))
        if found.user_id == actor.user_id:
            raise ForbiddenError("You cannot suspend yourself.")
        if on == bool(found.suspended_at):
            return
        if on and found.role == Role.OWNER:
            _require_other_owner(found)
        found.suspended_at = timezone.now() if on else None
        found.save(update_fields=["suspended_at", "updated_at"])
        record(actor=actor, action=f"member.{'suspended' if on else 'resumed'}", target=found)


def sign_out_member(*, actor: Actor, membership: Membership) -> None:
    """End all sessions of the person. Raises ForbiddenError as `require_rank_over`, and ConflictError for an account that is
    not only this organisation's: it must not disturb work in another one (decision 44)."""
    with tenant_scope(actor.tenant_id):
        found = _reload(membership)
        require_rank_over(actor, Role(found.role))
        user = found.user
        if user.is_superuser or every_tenant_of(user.pk) - {actor.tenant_id}:
            raise ConflictError(
                "This account is not only your organisation's. Suspend the member, which closes your organisation to"
                " them at once, or ask an operator."
            )
        user.sessions_ended_at = timezone.now()
        user.save(update_fields=["sessions_ended_at"])
        record(actor=actor, action="member.signed_out", target=found)


def remember_entry(user_id: UUID, tenant_id: UUID) -> None:
    """The next sign-in enters this tenant. `updated_at` stays: the membership has not changed."""
    with tenant_scope(tenant_id):
        rows = Membership.objects.filter(user_id=user_id)
        rows.update(last_entered_at=timezone.now(), updated_at=F("updated_at"))


def member_named(tenant_id: UUID, email: str | None) -> Membership:
    """Find an active member by e-mail; the first owner when none is given. Raises NotFoundError."""
    with tenant_scope(tenant_id):
        members = (
            Membership.objects.filter(user__is_active=True, suspended_at=None)
            .select_related("user")
            .order_by("pk")
        )
        which = {"user__email": email.lower()} if email else {"role": Role.OWNER}
        found: Membership | None = members.filter(**which).first()
    if found is None:
        nobody = "There is no active owner. Nobody has accepted the invitation yet."
        raise NotFoundError(f"There is no active member '{email}'." if email else nobody)
    return found


def _reload(membership: Membership) -> Membership:
    """The row in the database: the caller's instance may be outdated or modified. Raises NotFoundError."""
    found: Membership | None = Membership.objects.filter(pk=membership.pk).first()
    if found is None:
        raise NotFoundError("They are no member any more.")
    return found


def _require_other_owner(leaving: Membership) -> None:
    """Lock the owners, so that two who leave at the same time do not both succeed. Raises ConflictError."""
    rows = Membership.objects.select_for_update().filter(role=Role.OWNER, suspended_at=None)
    owners = rows.values_list("pk", flat=True)
    if not set(owners) - {leaving.pk}:
        raise ConflictError("An organisation needs an owner. Make somebody else owner first.")


def event_values(membership: Membership) -> dict[str, str]:
    return {"user": str(membership.user_id), "role": membership.role}
