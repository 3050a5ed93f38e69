"""The tables of docs/schema.md."""

from __future__ import annotations

import re

from django.conf import settings

TEXT = (settings.BASE_DIR / "docs" / "schema.md").read_text()
MAPPING = re.compile(r"^\| `(\w+\.\w+)` \| (A, B|A|B) \| `(\w+\.\w+)` \|", re.M)
ADDED = re.compile(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", re.M)


def mapped() -> dict[str, tuple[str, str]]:
    """Return {column of a seed: (names of the seeds that have it, its "table.column")}."""
    return {column: (seeds, place) for column, seeds, place in MAPPING.findall(TEXT)}


def added() -> set[str]:
    """Return the columns that no seed has, as "table.column"."""
    return {
        f"{table}.{column}" for table, names in ADDED.findall(TEXT) for column in re.findall(r"\w+", names)
    }
