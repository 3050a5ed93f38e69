"""The services for invitations. A tenant never sees, sets or inherits a password: docs/decisions/0022-invitations.md."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from audit.services import record
from core.actors import Actor, ActorKind, PlatformActor
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.limits import check_limit
from core.look_alikes import look_alike
from core.permissions import Role
from tenants import passwords
from tenants.access import (
    PendingInvitation,
    every_tenant_of,
    hash_secret,
    pending_invitation,
    tenants_of_user,
)
from tenants.mail import can_mail, mail
from tenants.models import Invitation, Membership, User
from tenants.revoking import PENDING, lock_own_key, revoke_invitations
from tenants.roles import require_may_appoint, require_rank_over
from tenants.services.members import event_values
from tenants.services.second_factors import end_factors_of_others
from tenants.services.sign_ins import store_password

VALIDITY = timedelta(days=7)
# Whose invitations end with their right to invite. Operators have no membership that could end.
INVITERS = (ActorKind.USER, ActorKind.API_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """`link` is available only here: only the hash of its token is stored. None when it is mailed."""

    invitation: Invitation
    link: str | None


def invite(*, actor: Actor, email: str, role: Role) -> NewInvitation:
    """Make a link, which the person may use once within 7 days. It is mailed if OYL can send mail, unless a command asks for
    it. An earlier link for the same address stops working. The result is the same whether the address has an account.

    Raises ForbiddenError as `require_may_appoint`, and ConflictError when the address is a member's.
    """
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    by_mail = can_mail() and actor.kind is not ActorKind.COMMAND
    with tenant_scope(actor.tenant_id):
        if Membership.objects.filter(user__email=email).exists():
            raise ConflictError(f"{email} is a member already. Change their role instead.")
        invitation = Invitation.objects.select_for_update().filter(email=email, **PENDING).first()
        require_may_appoint(actor, role)
        if invitation:
            require_rank_over(actor, Role(invitation.role))
        action = "renewed" if invitation else "created"
        invitation = invitation or Invitation(email=email)
        invitation.role, invitation.token_hash = role, hash_secret(token)
        invitation.by_mail, invitation.mailed_at = by_mail, None
        invitation.expires_at = timezone.now() + VALIDITY
        invitation.invited_by_id = actor.user_id if actor.kind in INVITERS else None
        invitation.made_by = lock_own_key(actor)
        invitation.save()
        check_limit(Invitation, {actor.tenant_id})  # also when one that had ended is renewed
        record(
            actor=actor, action=f"invitation.{action}", target=invitation, new={"email": email, "role": role}
        )
        link = f"{settings.OYL_URL}/join/{token}/"
        if by_mail:
            transaction.on_commit(lambda: _mail(actor.tenant_id, invitation, link))
    return NewInvitation(invitation=invitation, link=None if by_mail else link)


def _mail(tenant_id: UUID, invitation: Invitation, link: str) -> None:
    """After the commit. A failure is shown in the list of invitations, where the link can be mailed again."""
    text = (
        f"You are invited to work in OYL. Open this link to accept. It works once, until {invitation.expires_at:%d %B %Y}."
        f"\n\n{link}\n\nIf you did not expect this, ignore it: nothing happens without you.\n"
    )
    if mail("An invitation to OYL", text, invitation.email):
        with tenant_scope(tenant_id):
            Invitation.objects.filter(pk=invitation.pk).update(mailed_at=timezone.now())


def revoke_invitation(*, actor: Actor, invitation: Invitation) -> None:
    """The link stops working. Raises ForbiddenError as `require_rank_over`, NotFoundError when it is not pending."""
    with tenant_scope(actor.tenant_id):
        rows = Invitation.objects.filter(pk=invitation.pk, **PENDING)
        pending = rows.select_for_update().first()
        if pending is None:
            raise NotFoundError("This invitation was accepted or revoked.")
        require_rank_over(actor, Role(pending.role))
        revoke_invitations(actor=actor, invitations=rows, why="asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a person must give to accept: the present password of their account, a new one, or both."""

    current: bool
    new: bool
    name: bool = False


def proof_needed(invitation: PendingInvitation, user: User | None) -> Proof:
    """`user` is the account with the invitation's address. The holder of the link chooses the password of a new account, of
    an unverified one that no tenant uses any more, and of an unverified one whose address the mailed link proves. Everybody
    else signs in; an unverified account that a tenant uses also gets a new password, because that tenant may know the
    present one.

    An account that is switched off, and an operator's, are asked for as others, because a tenant may open its own links:
    `accept_invitation` refuses them.
    """
    if user is None:
        return Proof(current=False, new=True, name=True)
    if user.email_verified_at or user.is_superuser or not user.is_active:
        return Proof(current=True, new=False)
    return Proof(current=not invitation.by_mail and bool(every_tenant_of(user.pk)), new=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person has entered; "" where nothing was asked."""

    name: str = ""
    current_password: str = ""
    new_password: str = ""


def accept_invitation(*, invitation: PendingInvitation, answer: Answer, request: HttpRequest) -> User:
    """Make the person a member, and return their account. A new password ends all sessions of the account.

    Raises InvalidError for a wrong password, NotFoundError when the link was used meanwhile, ConflictError when the account
    has changed meanwhile, ForbiddenError for an operator, and as the sign-in's backend: `request` is what its limits count.
    """
    user, request_id = _account_of(invitation), str(getattr(request, "id", ""))
    proof = proof_needed(invitation, user)
    if proof.current and not authenticate(
        request, username=invitation.email, password=answer.current_password
    ):
        raise InvalidError("This is not the present password of the account.")
    if user and user.is_superuser:
        raise ForbiddenError(
            "An operator becomes no member. Enter the organisation instead, or use another account."
        )
    _refuse_look_alike(user, invitation)
    account = user or User(email=invitation.email, name=answer.name)
    hashed = (
        passwords.hash_password(answer.new_password) if proof.new else ""
    )  # slow, so not in the transaction
    try:
        with tenant_scope(invitation.tenant_id):
            _use_up(invitation)
            locked = _account_of(invitation, lock=True)
            if _state(locked) != _state(user) or proof_needed(invitation, locked) != proof:
                raise ConflictError("The account has changed meanwhile. Open the link again.")
            if invitation.by_mail and not account.email_verified_at:
                account.email_verified_at = timezone.now()
            account.save(update_fields=["email_verified_at"] if user else None)
            if hashed:
                chooser = _chooser(account, request_id)
                store_password(actor=chooser, user=account, hashed=hashed)
                if not proof.current:
                    end_factors_of_others(actor=chooser, user=account)
            _make_member(account, invitation, request_id)
    except IntegrityError as error:  # two links for one new address, at the same moment
        raise ConflictError("The account has changed meanwhile. Open the link again.") from error
    return account


def _chooser(account: User, request_id: str) -> PlatformActor:
    return PlatformActor(
        kind=ActorKind.USER, credential="invitation", user_id=account.pk, request_id=request_id
    )


def _refuse_look_alike(user: User | None, invitation: PendingInvitation) -> None:
    """Only the person learns of it, who has proved who they are. Raises ConflictError."""
    seen = tenants_of_user(user.pk) if user else []
    own = [one.name for one in seen if one.tenant_id != invitation.tenant_id]
    if alike := next((name for name in own if look_alike(name, invitation.tenant_name)), None):
        raise ConflictError(
            f"You belong to '{alike}' already, whose name looks like that of the organisation that invites you."
            " Ask who invites you; the organisation has to be renamed before you can join."
        )


def _account_of(invitation: PendingInvitation, *, lock: bool = False) -> User | None:
    rows = User.objects.select_for_update() if lock else User.objects.all()
    return rows.filter(email=invitation.email).first()


def _state(user: User | None) -> tuple[Any, ...]:
    """What must not change while a person accepts."""
    return (user.pk, user.password_changed_at, user.email_verified_at) if user else ()


def _use_up(invitation: PendingInvitation) -> None:
    """Raises NotFoundError when the link was used, replaced or revoked meanwhile, or whoever made it lost the right."""
    rows = Invitation.objects.filter(
        token_hash=invitation.token_hash, expires_at__gt=timezone.now(), **PENDING
    )
    if not pending_invitation(invitation.token_hash) or not rows.update(accepted_at=timezone.now()):
        raise NotFoundError("This link does not work any more. Ask for a new one.")


def _make_member(account: User, invitation: PendingInvitation, request_id: str) -> None:
    actor = Actor(
        kind=ActorKind.USER,
        tenant_id=invitation.tenant_id,
        role=invitation.role,
        credential="invitation",
        user_id=account.pk,
        request_id=request_id,
    )
    membership, _ = Membership.objects.get_or_create(user=account, defaults={"role": invitation.role})
    record(actor=actor, action="membership.created", target=membership, new=event_values(membership))
