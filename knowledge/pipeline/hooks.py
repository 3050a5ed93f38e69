"""What the caller of the pipeline takes part in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """`progress` is called before each stage and while it proceeds, and may raise to stop the work. `is_wanted` tells of a
    document's id whether to go on with it. `charge_tokens` is told how many tokens of each document will be embedded, and
    may refuse them by raising."""

    progress: Progress
    is_wanted: Callable[[UUID], bool]
    charge_tokens: Callable[[Mapping[UUID, int]], None]
