"""Operators' accounts, for commands only: they use the role that owns the tables, because PostgreSQL lets the application's
role neither make nor change an operator, nor set an operator's password."""

from __future__ import annotations

from django.db import transaction

from audit.platform import record_platform
from core.actors import ActorKind, PlatformActor
from core.errors import ConflictError, NotFoundError
from tenants.models import User
from tenants.services.users import new_password

OWNER = "owner"
ACTOR = PlatformActor(kind=ActorKind.COMMAND, credential="create_operator")


def create_operator(*, email: str) -> str:
    """Return the password. Raises ConflictError if there is an account with this address: members become no operators."""
    password = new_password()
    if User.objects.filter(email=email.lower()).exists():
        raise ConflictError(f"{email} has an account already. Operators have an account of their own.")
    with transaction.atomic(using=OWNER):
        operator = User.objects.db_manager(OWNER).create_superuser(email, password)
        record_platform(actor=ACTOR, action="operator.created", target=operator, using=OWNER, email=email)
    return password


def reset_operator_password(*, email: str) -> str:
    """Return the new password, which ends the operator's sessions. Raises NotFoundError."""
    password = new_password()
    with transaction.atomic(using=OWNER):
        operator = _operator(email)
        operator.set_password(password)
        operator.save()
        record_platform(actor=ACTOR, action="operator.password_reset", target=operator, using=OWNER)
    return password


def switch_operator(*, email: str, on: bool) -> None:
    """Let the operator sign in, or end their sessions and let them sign in no more. Raises NotFoundError."""
    with transaction.atomic(using=OWNER):
        operator = _operator(email)
        operator.is_active = on
        operator.save()
        action = f"operator.switched_{'on' if on else 'off'}"
        record_platform(actor=ACTOR, action=action, target=operator, using=OWNER)


def _operator(email: str) -> User:
    """Raises NotFoundError."""
    found = User.objects.using(OWNER).filter(email=email.lower(), is_superuser=True).first()
    if found is None:
        raise NotFoundError(f"There is no operator {email}.")
    return found
