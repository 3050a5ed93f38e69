"""Known secrets, which the tests search for where no secret may be."""

from __future__ import annotations

import re
from base64 import b64encode
from uuid import uuid4

API_KEY = re.compile(rb"oyl_[A-Za-z0-9_-]{43}")  # also of keys that no test added
SECRET_NAMES = re.compile(r"KEYS?$|URL$|PASSWORD|SECRET|TOKEN$")


class Canaries:
    """`values` is {description: secret}."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def new(self, what: str) -> str:
        return self.add(what, f"canary{uuid4().hex}")

    def add(self, what: str, value: str) -> str:
        self.values[what] = value
        return value

    def found_in(self, *texts: str | bytes) -> set[str]:
        """Return the descriptions of the secrets in the texts: as they are, in hexadecimal, or within base64."""
        haystack = b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
        found = {
            what for what, value in self.values.items() if any(form in haystack for form in _forms(value))
        }
        return found | ({"an API key"} if API_KEY.search(haystack) else set())


def _forms(value: str) -> list[bytes]:
    raw = value.encode()
    # In base64, the first and the last characters depend on the neighbouring bytes, too.
    encoded = [b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return [raw, raw.hex().encode(), *encoded]
