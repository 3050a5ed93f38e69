"""How far something is, for whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the stage that begins, or with how much of it is done. May raise to stop the work."""

    def __call__(self, stage: str, *, done: int = 0, total: int = 0) -> None: ...


def no_progress(stage: str, *, done: int = 0, total: int = 0) -> None:
    """For callers that do not watch."""
