"""Services for second factors. People add and remove theirs; operators turn off those of people who have lost theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction

from audit.platform import record_platform
from core.actors import PlatformActor
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.failed_attempts import Subject, failed_attempts
from core.recent_password import require_recent_password
from tenants.models import User
from tenants.passkeys import passkeys_of, registered, use_passkey
from tenants.second_factors import factors_of, has_second_factor, is_code_of, use_code
from tenants.services.sign_ins import tell_own_tenants
from tenants.services.users import tell_tenants
from tenants.sign_in import SignInWaitError

# Wrong codes that need no wait.
FREE_CODES = 5
MOST_PASSKEYS, LONGEST_NAME = 10, 64


def turn_on(*, actor: PlatformActor, user: User, secret: str, code: str) -> list[str]:
    """Add an authenticator app. Return the recovery codes, if there were none. Raises PasswordNeededError, ConflictError if
    there is an app already, and InvalidError if the code is not that of the secret."""
    require_recent_password(actor)
    if not (counter := is_code_of(secret, code)):
        raise InvalidError("This is not the code that the app shows now. Is the clock of your device right?")
    with _locked(user):
        if factors_of(user.pk).filter(type=Authenticator.Type.TOTP).exists():
            raise ConflictError("You have an authenticator app already. Remove it first.")
        app = TOTP.activate(user, secret).instance
        app.data["counter"] = counter  # this code does not sign in, too
        app.save(update_fields=["data"])
        codes = _first_codes(user)
        record_platform(actor=actor, action="second_factor.turned_on", target=user)
    tell_own_tenants(actor=actor, user=user, action="second_factor.turned_on")
    return codes


def add_passkey(*, actor: PlatformActor, user: User, name: str, answer: str) -> list[str]:
    """`answer` is the browser's. Return the recovery codes, if there were none. Raises PasswordNeededError, InvalidError for
    a wrong answer, and ConflictError beyond MOST_PASSKEYS."""
    require_recent_password(actor)
    credential = registered(answer)
    with _locked(user):
        if passkeys_of(user.pk).count() >= MOST_PASSKEYS:
            raise ConflictError(f"You have {MOST_PASSKEYS} passkeys. Remove one first.")
        WebAuthn.add(user, name[:LONGEST_NAME].strip() or "Passkey", credential)
        codes = _first_codes(user)
        record_platform(actor=actor, action="passkey.added", target=user)
    tell_own_tenants(actor=actor, user=user, action="passkey.added")
    return codes


def remove_factor(*, actor: PlatformActor, user: User, factor_id: int) -> None:
    """One's own app or passkey. Without the last one, recovery codes go, too, and the password is enough. Raises
    PasswordNeededError, and NotFoundError."""
    require_recent_password(actor)
    with _locked(user):
        removed = factors_of(user.pk).filter(pk=factor_id).first()
        if removed is None:
            raise NotFoundError("It was removed already.")
        removed.delete()
        if not has_second_factor(user.pk):
            Authenticator.objects.filter(user=user).delete()
        is_passkey = removed.type == Authenticator.Type.WEBAUTHN
        action = "passkey.removed" if is_passkey else "second_factor.app_removed"
        record_platform(actor=actor, action=action, target=user)
    tell_own_tenants(actor=actor, user=user, action=action)


@contextmanager
def _locked(user: User) -> Iterator[None]:
    """A transaction in which nothing else changes the person's factors."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        yield


def _first_codes(user: User) -> list[str]:
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).exists():
        return []
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def turn_off(*, actor: PlatformActor, user: User) -> None:
    """Of oneself; an operator also of others, but not of operators. Raises ForbiddenError and PasswordNeededError."""
    require_recent_password(actor)
    if actor.user_id != user.pk:
        actor.require_operator()
        if user.is_superuser:
            raise ForbiddenError(
                "Operators get theirs turned off by `manage.py create_operator --new-password`."
            )
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        record_platform(actor=actor, action="second_factor.turned_off", target=user)
        if actor.user_id != user.pk:
            tell_tenants(actor, user)
    if actor.user_id == user.pk:
        tell_own_tenants(actor=actor, user=user, action="second_factor.turned_off")


def end_factors_of_others(*, actor: PlatformActor, user: User) -> None:
    """Inside a transaction, when a person gets the account without its password: whoever had it before may have added
    factors, which would keep the person out."""
    if Authenticator.objects.filter(user=user).delete()[0]:
        record_platform(actor=actor, action="second_factor.turned_off", target=user)


def make_recovery_codes(*, actor: PlatformActor, user: User) -> list[str]:
    """New ones; earlier ones work no more. Raises PasswordNeededError, and ConflictError if there is no second factor."""
    require_recent_password(actor)
    with transaction.atomic():
        if not has_second_factor(user.pk):
            raise ConflictError("Turn the second factor on first.")
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        codes = _first_codes(user)
        record_platform(actor=actor, action="second_factor.codes_made", target=user)
    return codes


def enter_code(*, actor: PlatformActor, user: User, code: str, address: str) -> None:
    """At the sign-in. Guesses wait longer and longer. Raises SignInWaitError, and InvalidError for a wrong code."""
    with _guess(actor, user, address):
        if not use_code(user, code.replace(" ", "")):
            raise InvalidError("This code is wrong, or it was used already. Wait for the next one.")


def enter_passkey(*, actor: PlatformActor, user: User, answer: str, address: str) -> None:
    """At the sign-in; `answer` is the browser's. Raises SignInWaitError, and InvalidError."""
    with _guess(actor, user, address):
        if not use_passkey(user, answer):
            raise InvalidError("This is none of your passkeys, or the page was open for too long. Try again.")


@contextmanager
def _guess(actor: PlatformActor, user: User, address: str) -> Iterator[None]:
    """Codes and passkeys are counted together. Raises SignInWaitError."""
    subject = Subject("code", str(user.pk), FREE_CODES)
    turn = failed_attempts().begin(subject)
    if turn.wait:
        raise SignInWaitError(turn.wait)
    try:
        yield
    except InvalidError:
        record_platform(actor=actor, action="second_factor.failed", target=user, address=address)
        raise
    failed_attempts().forget(subject)
