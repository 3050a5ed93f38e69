"""The services for what people do with their own sign-in: entering, leaving, and changing the password."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.platform import record_platform
from audit.services import record
from core import sessions
from core.actors import Actor, ActorKind, PlatformActor
from core.errors import ConflictError, NotFoundError
from core.isolation.scope import tenant_scope
from tenants import passwords
from tenants.access import every_tenant_of, tenants_of_user
from tenants.models import User
from tenants.revoking import revoke_what_they_made


def record_sign_in(*, actor: PlatformActor, user: User, address: str) -> None:
    """In the platform's events, and in the audit logs of the person's tenants."""
    record_platform(actor=actor, action="sign_in.succeeded", target=user, address=address)
    tell_own_tenants(actor=actor, user=user, action="sign_in.succeeded", address=address)


def tell_own_tenants(*, actor: PlatformActor, user: User, action: str, **payload: Any) -> None:
    """What a person has done with the own sign-in is an event in the audit logs of their tenants, too."""
    for access in tenants_of_user(user.pk):
        member = Actor(
            kind=ActorKind.USER,
            tenant_id=access.tenant_id,
            role=access.role,
            credential=actor.credential,
            user_id=user.pk,
            request_id=actor.request_id,
        )
        with tenant_scope(access.tenant_id):
            record(actor=member, action=action, target=user, **payload)


def record_sign_out(*, actor: PlatformActor, user: User) -> None:
    record_platform(actor=actor, action="sign_out", target=user)
    tell_own_tenants(actor=actor, user=user, action="sign_out")


def record_confirmation(*, actor: PlatformActor, user: User) -> None:
    """The person has entered their password again."""
    record_platform(actor=actor, action="password.confirmed", target=user)


def change_password(
    *, actor: PlatformActor, user: User, present: str, new: str, ends_api_keys: bool = False
) -> None:
    """Change one's own password, which ends one's other sessions, and also one's API keys if that is asked for."""
    hashed, proof = passwords.hash_password(new), passwords.hash_like_stored(user.pk, present)
    store_password(actor=actor, user=user, hashed=hashed, proof=proof, ends_api_keys=ends_api_keys)
    tell_own_tenants(actor=actor, user=user, action="password.changed")
    if ends_api_keys:
        revoke_keys_of(actor=actor, user=user)


def store_password(*, actor: PlatformActor, user: User, hashed: str, proof: str = "", **payload: Any) -> None:
    """Every way on which people choose a password ends here. It ends their sessions. `proof` as of `passwords.store`. Of two
    who have proved the same password or link at the same time, the second gets ConflictError."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.password_changed_at != user.password_changed_at:
            raise ConflictError(
                "The password was changed meanwhile. Sign in with the new one, or get a new link."
            )
        user.password_changed_at = passwords.store(user.pk, hashed, proof=proof)
        record_platform(actor=actor, action="password.changed", target=user, **payload)


def end_sessions(*, actor: PlatformActor, user: User) -> None:
    """Sign the person out everywhere. Keys stay."""
    with transaction.atomic():
        user.sessions_ended_at = timezone.now()
        user.save(update_fields=["sessions_ended_at"])
        record_platform(actor=actor, action="sessions.ended", target=user)
    tell_own_tenants(actor=actor, user=user, action="sessions.ended")


def end_session(*, actor: PlatformActor, user: User, of_session: str) -> None:
    """Sign the person out of one of their sessions. Raises NotFoundError."""
    with transaction.atomic():
        if not sessions.end_session(user, of_session):
            raise NotFoundError("This session has ended already.")
        record_platform(actor=actor, action="session.ended", target=user)
    tell_own_tenants(actor=actor, user=user, action="session.ended")


def revoke_keys_of(*, actor: PlatformActor, user: User) -> None:
    """Revoke the API keys that act for the user, and the pending invitations that the user or a key has made, in every
    tenant."""
    for tenant_id in every_tenant_of(user.pk):
        with tenant_scope(tenant_id):
            member = actor.inside(tenant_id)
            revoke_what_they_made(actor=member, user_id=user.pk, why="the password was changed")
