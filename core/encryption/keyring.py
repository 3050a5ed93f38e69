"""The keys of secrets: `OYL_ENCRYPTION_KEYS="k2:base64,k1:base64"`. The first encrypts, all decrypt."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django_cryptography.core.signing import FernetSigner
from django_cryptography.utils.crypto import FernetBytes

KEY_BYTES = 32
NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")


def ciphers() -> dict[str, FernetBytes]:
    """{key's name: cipher}; the first one encrypts. Raises ImproperlyConfigured."""
    return _parse_keys(settings.OYL_ENCRYPTION_KEYS)


@cache
def _parse_keys(setting: str) -> dict[str, FernetBytes]:
    """No message contains a part of a key, not even of one that is written in the wrong place."""
    found: dict[str, FernetBytes] = {}
    for position, entry in enumerate(setting.split(","), start=1):
        name, _, key = entry.strip().partition(":")
        if not NAME.fullmatch(name) or not key:
            raise _invalid(f"entry {position} is not of the form name:base64")
        if name in found:
            raise _invalid(f"the name '{name}' is used twice")
        found[name] = _derive_cipher(name, key)
    return found


def _derive_cipher(name: str, key: str) -> FernetBytes:
    try:
        material = b64decode(key.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        material = b""
    if len(material) != KEY_BYTES:
        raise _invalid(f"the key '{name}' is not {KEY_BYTES} bytes in base64")
    encrypting, signing = (hmac.digest(material, use, "sha256") for use in (b"encrypt", b"sign"))
    return FernetBytes(encrypting, FernetSigner(signing))


def _invalid(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"OYL_ENCRYPTION_KEYS: {reason}. docs/settings.md says how to make a key.")
