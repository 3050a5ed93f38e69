"""Second factors of people who sign in: codes of an authenticator app (TOTP), passkeys (`tenants.passkeys`), and recovery
codes, by `allauth.mfa`."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import transaction
from django.db.models import QuerySet
from django_cryptography.core.signing import BadSignature
from django_cryptography.utils.crypto import InvalidToken

from core.encryption.fields import SecretUnreadableError
from core.encryption.keyring import ciphers
from tenants.models import User

# Those that ask for a second factor at the sign-in. Recovery codes replace them.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are stored as "key's name:ciphertext"."""

    def encrypt(self, text: str) -> str:
        name, cipher = next(iter(ciphers().items()))
        return f"{name}:{b64encode(cipher.encrypt(text.encode())).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadableError."""
        name, _, token = encrypted_text.partition(":")
        try:
            plain: bytes = ciphers()[name].decrypt(b64decode(token))
        except (KeyError, binascii.Error, InvalidToken, BadSignature) as error:
            raise SecretUnreadableError(
                f"A second factor cannot be decrypted with the key '{name}'."
            ) from error
        return plain.decode()

    def get_totp_issuer(self) -> str:
        return "OYL"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "OYL"}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user.pk.bytes, "display_name": user.name or user.email, "name": user.email}


def factors_of(user_id: UUID) -> QuerySet[Any]:
    rows: QuerySet[Any] = Authenticator.objects.filter(user_id=user_id, type__in=FACTORS)
    return rows.order_by("pk")


def has_second_factor(user_id: UUID) -> bool:
    return factors_of(user_id).exists()


def codes_left(user_id: UUID) -> int:
    row = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def qr_code(user: User, secret: str) -> str:
    """An SVG image that an authenticator app reads."""
    adapter = MfaAdapter()
    svg: str = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    return svg


def is_code_of(secret: str, code: str, *, after: int = 0) -> int:
    """The counter, which is later than `after`, whose code this is, or 0."""
    for counter in yield_hotp_counters_from_time():
        expected = format_hotp_value(hotp_value(secret, counter))
        if counter > after and compare_user_code(actual=code, expected=expected):
            return int(counter)
    return 0


def use_code(user: User, code: str) -> bool:
    """Whether it is a code of the person's app, or a recovery code. Each can be used once."""
    return _use_totp(user, code) or _use_recovery_code(user, code)


@transaction.atomic
def _use_totp(user: User, code: str) -> bool:
    row = _locked(user, Authenticator.Type.TOTP)
    if row is None:
        return False
    counter = is_code_of(MfaAdapter().decrypt(row.data["secret"]), code, after=row.data.get("counter", 0))
    if counter:
        row.data["counter"] = counter
        row.save(update_fields=["data"])
        row.record_usage()
    return bool(counter)


def _use_recovery_code(user: User, code: str) -> bool:
    row = _locked(user, Authenticator.Type.RECOVERY_CODES)
    return row is not None and bool(RecoveryCodes(row).validate_code(code))


def _locked(user: User, kind: str) -> Any:
    rows = Authenticator.objects.filter(user_id=user.pk, type=kind)
    return (rows.select_for_update() if transaction.get_connection().in_atomic_block else rows).first()


def reencrypt_second_factors(user_ids: Iterable[UUID]) -> int:
    """Encrypt the secrets of these people again with the first key, and return their number."""
    adapter, first, changed = MfaAdapter(), next(iter(ciphers())), 0
    with transaction.atomic():
        for row in Authenticator.objects.filter(user_id__in=user_ids, type__in=SECRETS).select_for_update():
            name = SECRETS[row.type]
            if row.data[name].partition(":")[0] != first:
                row.data[name] = adapter.encrypt(adapter.decrypt(row.data[name]))
                row.save(update_fields=["data"])
                changed += 1
    return changed
