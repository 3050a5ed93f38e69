"""The services for users. Nobody chooses or sees another person's password: the person gets a link to choose it."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from audit.services import record, save_audited
from core.actors import Actor, ActorKind
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from tenants.models import User


def save_user(*, actor: Actor, user: User) -> str | None:
    """Create a user and return the link to choose a password, or change one (None). Raises ForbiddenError unless the actor
    is an operator."""
    _require_operator(actor)
    user.email = user.email.lower()
    is_new = user._state.adding
    if is_new:
        user.set_unusable_password()
    save_audited(actor=actor, instance=user)
    return _password_link(user) if is_new else None


def reset_password(*, actor: Actor, user: User) -> str:
    """End the present password, all sessions and earlier links, and return a link to choose a new password. Raises
    ForbiddenError unless the actor is an operator, and for an operator's account."""
    _require_operator(actor)
    if user.is_superuser:
        raise ForbiddenError("Operators get a new password by `manage.py create_operator --new-password`.")
    user.set_unusable_password()
    with tenant_scope(actor.tenant_id):
        user.save()
        record(actor=actor, action="user.password_reset", target=user)
    return _password_link(user)


def _password_link(user: User) -> str:
    """Works once, within PASSWORD_RESET_TIMEOUT: the token depends on when the password was changed."""
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return f"{settings.OYL_URL}/set-password/{uid}/{token}/"


def _require_operator(actor: Actor) -> None:
    if actor.kind is not ActorKind.OPERATOR:
        raise ForbiddenError("Only operators look after users.")


def new_password() -> str:
    password = secrets.token_urlsafe(12)
    validate_password(password)
    return password
