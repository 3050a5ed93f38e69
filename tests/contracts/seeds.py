"""The two seed schemas, read from their text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.environment import SHARED

FOLDER = SHARED / "seeds"
HEADING = re.compile(r"^#{2,3} `?(\w+)`?$", re.M)
# `| `id` | `VARCHAR` | …` in the one, `- id UUID PK` in the other.
COLUMN = re.compile(r"^(?:\| `(\w+)` \| `[A-Z]|- (\w+) )", re.M)


@dataclass(frozen=True, slots=True)
class Seed:
    name: str
    columns: frozenset[str]  # "table.column"
    indexes: frozenset[str]


def read_seeds() -> list[Seed]:
    """Seed A has teammates and knowledge bases, seed B references and workflows."""
    texts = [path.read_text() for path in sorted(FOLDER.glob("*.txt"))]
    return sorted((_read(text) for text in texts), key=lambda seed: seed.name)


def _read(text: str) -> Seed:
    sections = HEADING.split(text)[1:]
    columns = frozenset(
        f"{table}.{first or second}"
        for table, body in zip(sections[::2], sections[1::2], strict=True)
        for first, second in COLUMN.findall(body)
    )
    indexes = frozenset(re.findall(r"^CREATE INDEX (\w+) ON", text, re.M))
    return Seed("A" if "teammates.id" in columns else "B", columns, indexes)
