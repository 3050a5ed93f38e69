"""What a reader is given: one file, its type, and the limits that it must keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

_FOLDER_MARGIN_MB = 64
_SECONDS_PER_PAGE = 5  # a page takes about one; a turned one a few
# A busy machine takes longer for the same CPU time.
WALL_FACTOR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits per file. `seconds` of CPU time restart with each page recognised by OCR, of which there are at most
    `ocr_pages`, within `total_seconds`; a file ends after `WALL_FACTOR` times as long in any case. `memory_mb` is the
    address space of the process and of each program that it starts, and the memory that they have together; `output_mb`
    the size to which a file may unpack, and `text_mb` how much of it may be text."""

    seconds: int
    memory_mb: int
    output_mb: int
    text_mb: int
    ocr_pages: int

    @property
    def folder_mb(self) -> int:
        """The size of the folder for what is unpacked, and for what programs write besides."""
        return self.output_mb + _FOLDER_MARGIN_MB

    def total_seconds(self, pages: int) -> int:
        """The time for a file of which so many pages were recognised."""
        return self.seconds + pages * _SECONDS_PER_PAGE

    def dumps(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`workdir` is the only folder to write to. Readers call `restart_timeout` for each recognised page.
    `page` is the one to draw, from 1, where the file is not to be read."""

    path: Path
    filename: str
    workdir: Path
    mime_type: str
    limits: Limits
    restart_timeout: Callable[[], None]
    page: int = 0

    def make_folder(self, name: str) -> Path:
        """Create and return an empty folder inside the workdir."""
        folder = self.workdir / name
        folder.mkdir()
        return folder
