"""The suite's encryption keys, preceded by a new one."""

from __future__ import annotations

from base64 import b64encode

from django.conf import settings

NEW = f"new:{b64encode(bytes(range(32))).decode()}"
BOTH = f"{NEW},{settings.OYL_ENCRYPTION_KEYS}"
