"""The characters that names may have: of people, organisations, their objects, tags and files."""

from __future__ import annotations

import json
from unicodedata import normalize

from core.characters import unusable

FORBIDDEN = unusable("\x00-\x1f\x7f-\x9f\u2028\u2029")


def printable(name: str) -> str:
    """The name with JSON's escape for each character that is forbidden, as `\\u202e`: for names that come from elsewhere, as
    files' do, and for terminals. Letters are composed with their accents (NFC), which Linux and macOS write differently;
    names that differ otherwise stay different."""
    return FORBIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], normalize("NFC", name))


def without_forbidden(name: str) -> str:
    """The name without forbidden characters, with single spaces between its words: for tags, which files may bring."""
    return " ".join(FORBIDDEN.sub("", " ".join(name.split())).split())
