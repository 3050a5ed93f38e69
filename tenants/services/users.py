"""The services for users. Nobody chooses or sees another person's password: the person gets a link to choose it."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from audit.platform import record_platform
from audit.services import changes_of, record
from core.actors import PlatformActor
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.recent_password import require_recent_password
from tenants.access import every_tenant_of
from tenants.models import User
from tenants.services.sign_ins import revoke_keys_of


def save_user(*, actor: PlatformActor, user: User) -> str | None:
    """Create a user and return the link to choose a password, or change one (None). Raises ForbiddenError unless the actor
    is an operator, and for an operator's account, and PasswordNeededError."""
    actor.require_operator()
    require_recent_password(actor)
    if user.is_superuser:
        raise ForbiddenError("Operators are switched off and on by `manage.py create_operator`.")
    user.email = user.email.lower()
    is_new = user._state.adding
    if is_new:
        user.set_unusable_password()
    with transaction.atomic():
        changes = changes_of(user)
        if not changes["new"]:
            return None
        if "email" in changes["new"]:
            user.email_verified_at = None  # the person has proved another address
        user.save()
        record_platform(
            actor=actor, action=f"user.{'created' if is_new else 'changed'}", target=user, **changes
        )
        tell_tenants(actor, user)
    return password_link(user, make_link_token(user)) if is_new else None


def reset_password(*, actor: PlatformActor, user: User) -> str:
    """End the present password, all sessions, API keys and earlier links, and return a link to choose a new password. Raises
    ForbiddenError unless the actor is an operator, and for an operator's account, and PasswordNeededError."""
    actor.require_operator()
    require_recent_password(actor)
    if user.is_superuser:
        raise ForbiddenError("Operators get a new password by `manage.py create_operator --new-password`.")
    user.set_unusable_password()
    with transaction.atomic():
        user.save()
        record_platform(actor=actor, action="user.password_reset", target=user)
        tell_tenants(actor, user)
        transaction.on_commit(lambda: revoke_keys_of(actor=actor, user=user))
    return password_link(user, make_link_token(user))


def sign_out_user(*, actor: PlatformActor, user: User) -> None:
    """End all sessions of the person. Raises ForbiddenError as `reset_password`, and PasswordNeededError."""
    actor.require_operator()
    require_recent_password(actor)
    if user.is_superuser:
        raise ForbiddenError(
            "Operators end their sessions on 'Your account', or by `manage.py create_operator`."
        )
    with transaction.atomic():
        user.sessions_ended_at = timezone.now()
        user.save(update_fields=["sessions_ended_at"])
        record_platform(actor=actor, action="user.signed_out", target=user)
        tell_tenants(actor, user)


def make_link_token(user: User) -> str:
    """It is valid once, within PASSWORD_RESET_TIMEOUT, because it depends on when the password was changed."""
    return default_token_generator.make_token(user)


def password_link(user: User, token: str) -> str:
    return f"{settings.OYL_URL}/set-password/{urlsafe_base64_encode(force_bytes(user.pk))}/{token}/"


def tell_tenants(actor: PlatformActor, user: User) -> None:
    """After the commit, each tenant of the user gets to know that an operator changed the account, and nothing else: what
    changed may concern another tenant."""

    def tell() -> None:
        for tenant_id in every_tenant_of(user.pk):
            operator = replace(actor, user_id=None, request_id="").inside(tenant_id)
            with tenant_scope(tenant_id):
                record(actor=operator, action="member.account_changed", target=user)

    transaction.on_commit(tell)
