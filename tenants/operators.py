"""Operators' accounts, for commands only: they use the role that owns the tables, because PostgreSQL lets the application's
role neither make nor change an operator, nor set an operator's password."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit.platform import record_platform
from core.actors import ActorKind, PlatformActor
from core.errors import ConflictError, NotFoundError
from tenants.access import hash_secret
from tenants.models import PasswordHash, User
from tenants.services.users import make_link_token, password_link

OWNER = "owner"
ACTOR = PlatformActor(kind=ActorKind.COMMAND, credential="create_operator")


def create_operator(*, email: str) -> str:
    """Return the link to choose a password. Raises ConflictError if there is an account with this address: members become no
    operators."""
    if User.objects.filter(email=email.lower()).exists():
        raise ConflictError(f"{email} has an account already. Operators have an account of their own.")
    with transaction.atomic(using=OWNER):
        operator = User.objects.db_manager(OWNER).create_superuser(email)
        record_platform(actor=ACTOR, action="operator.created", target=operator, using=OWNER, email=email)
        return _link(operator)


def reset_operator_password(*, email: str) -> str:
    """End the password, second factor, sessions and earlier links, and return a new link. Raises NotFoundError."""
    with transaction.atomic(using=OWNER):
        operator = _operator(email)
        record_platform(actor=ACTOR, action="operator.password_reset", target=operator, using=OWNER)
        return _link(operator)


def _link(operator: User) -> str:
    """PostgreSQL lets the application's role set an operator's password only with a proof: the token of the link is one."""
    operator.set_unusable_password()
    operator.save()
    Authenticator.objects.using(OWNER).filter(user=operator).delete()
    token = make_link_token(operator)
    PasswordHash.objects.using(OWNER).filter(pk=operator.pk).update(encoded=hash_secret(token))
    return password_link(operator, token)


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
