"""The services for users."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password

from audit.services import record, save_audited
from core.actors import Actor, ActorKind
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from tenants.models import User


def save_user(*, actor: Actor, user: User) -> str | None:
    """Create a user and return their password, or change one (None). Raises ForbiddenError unless the actor is an
    operator."""
    _require_operator(actor)
    user.email = user.email.lower()
    password = new_password() if user._state.adding else None
    if password:
        user.set_password(password)
    save_audited(actor=actor, instance=user)
    return password


def reset_password(*, actor: Actor, user: User) -> str:
    """Set and return a new password, which signs the user out everywhere. Raises ForbiddenError unless the actor is an
    operator."""
    _require_operator(actor)
    password = new_password()
    user.set_password(password)
    with tenant_scope(actor.tenant_id):
        user.save()
        record(actor=actor, action="user.password_reset", target=user)
    return password


def _require_operator(actor: Actor) -> None:
    if actor.kind is not ActorKind.OPERATOR:
        raise ForbiddenError("Only operators look after users.")


def get_or_create_user(email: str) -> tuple[User, str | None]:
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, None
    password = new_password()
    return User.objects.create_user(email, password), password


def new_password() -> str:
    password = secrets.token_urlsafe(12)
    validate_password(password)
    return password
