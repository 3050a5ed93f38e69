"""Encryption keys, as entries of OYL_ENCRYPTION_KEYS."""

from __future__ import annotations

from base64 import b64encode

KEY_1 = f"k1:{b64encode(b'1' * 32).decode()}"
KEY_2 = f"k2:{b64encode(b'2' * 32).decode()}"
