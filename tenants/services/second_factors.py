"""Services for second factors. People turn theirs on and off; operators turn off those of people who have lost theirs."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction

from audit.platform import record_platform
from core.actors import PlatformActor
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.failed_attempts import Subject, failed_attempts
from core.recent_password import require_recent_password
from tenants.access import tenants_of_user
from tenants.models import User
from tenants.second_factors import has_second_factor, is_code_of, use_code
from tenants.services.sign_ins import tell_own_tenants
from tenants.services.users import tell_tenants
from tenants.sign_in import SignInWaitError

# Wrong codes that need no wait.
FREE_CODES = 5


def turn_on(*, actor: PlatformActor, user: User, secret: str, code: str) -> list[str]:
    """Return the recovery codes. Raises PasswordNeededError, ConflictError if it is on already, and InvalidError if the code
    is not that of the secret."""
    require_recent_password(actor)
    if not is_code_of(secret, code):
        raise InvalidError("This is not the code that the app shows now. Is the clock of your device right?")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if has_second_factor(user.pk):
            raise ConflictError("It is on already. Turn it off first.")
        Authenticator.objects.filter(user=user).delete()
        TOTP.activate(user, secret)
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        record_platform(actor=actor, action="second_factor.turned_on", target=user)
    tell_own_tenants(actor=actor, user=user, action="second_factor.turned_on")
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
            tell_tenants(actor, user, tenants_of_user(user.pk))
    if actor.user_id == user.pk:
        tell_own_tenants(actor=actor, user=user, action="second_factor.turned_off")


def make_recovery_codes(*, actor: PlatformActor, user: User) -> list[str]:
    """New ones; earlier ones work no more. Raises PasswordNeededError, and ConflictError if there is no second factor."""
    require_recent_password(actor)
    with transaction.atomic():
        if not has_second_factor(user.pk):
            raise ConflictError("Turn the second factor on first.")
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        record_platform(actor=actor, action="second_factor.codes_made", target=user)
    return codes


def enter_code(*, actor: PlatformActor, user: User, code: str, address: str) -> None:
    """At the sign-in. Guesses wait longer and longer. Raises SignInWaitError, and InvalidError for a wrong code."""
    subject = Subject("code", str(user.pk), FREE_CODES)
    turn = failed_attempts().begin(subject)
    if turn.wait:
        raise SignInWaitError(turn.wait)
    if not use_code(user, code.replace(" ", "")):
        record_platform(actor=actor, action="second_factor.failed", target=user, address=address)
        raise InvalidError("This code is wrong, or it was used already. Wait for the next one.")
    failed_attempts().forget(subject)
