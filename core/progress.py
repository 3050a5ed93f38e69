"""The protocol by which long work reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called when a stage begins and while it proceeds. May raise to stop the work."""

    def __call__(self, stage: str, *, done: int = 0, total: int = 0) -> None: ...


def no_progress(stage: str, *, done: int = 0, total: int = 0) -> None:
    """For callers that need no progress."""
