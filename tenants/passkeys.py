"""Passkeys as second factors, by `allauth.mfa.webauthn`. OYL keeps their public keys; the challenge that a browser has to
answer waits in the session, and is taken once."""

from __future__ import annotations

import json
import struct
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import UnsupportedAlgorithm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from core.errors import InvalidError
from tenants.models import User

LONGEST_ANSWER = 20_000  # characters
# What the libraries raise for answers that no browser sends.
BAD_ANSWER = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ValidationError),
    *(RecursionError, struct.error, UnsupportedAlgorithm),
)


def passkeys_of(user_id: UUID) -> QuerySet[Any]:
    rows: QuerySet[Any] = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN)
    return rows.order_by("pk")


def options_to_register(user: User) -> str:
    """For `navigator.credentials.create`, as JSON."""
    return json.dumps(auth.begin_registration(user, passwordless=False))


def options_to_use(user: User) -> str:
    """For `navigator.credentials.get`, as JSON."""
    return json.dumps(auth.begin_authentication(user))


def registered(answer: str) -> dict[str, Any]:
    """The new passkey's public key. Raises InvalidError unless it answers the challenge of this session."""
    try:
        credential = _parsed(answer)
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except BAD_ANSWER as error:
        raise InvalidError("The browser's answer was not accepted. Try again.") from error
    return credential


def use_passkey(user: User, answer: str) -> bool:
    """Whether it answers the challenge of this session with a passkey of the person."""
    try:
        parsed = _parsed(answer)
        auth.parse_authentication_response(parsed)
        auth.complete_authentication(user, parsed).record_usage()
    except BAD_ANSWER:
        return False
    return True


def _parsed(answer: str) -> dict[str, Any]:
    """Raises ValueError."""
    if len(answer) > LONGEST_ANSWER or not isinstance(parsed := json.loads(answer), dict):
        raise ValueError
    return parsed
