"""What a reader gets: one file, its type, and the limits it must keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per file. `seconds` start anew with each recognised page, of which there are at most `ocr_pages`;
    `memory_mb` is address space, of the child and of each program it starts; `output_mb` is what a file may unpack
    to, and `text_mb` how much of it may be text."""

    seconds: int
    memory_mb: int
    output_mb: int
    text_mb: int
    ocr_pages: int

    def dumps(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`workdir` is the only folder to write to; `advance` is called for each recognised page."""

    path: Path
    filename: str
    workdir: Path
    mime_type: str
    limits: Limits
    advance: Callable[[], None]

    def scratch(self, name: str) -> Path:
        """A new empty folder inside the workdir."""
        folder = self.workdir / name
        folder.mkdir()
        return folder
