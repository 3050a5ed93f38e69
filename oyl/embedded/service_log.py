"""Where the children's lines go: each into a rotated file of its own and, prefixed, to the console."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock
from typing import TextIO

WIDTH = 8
COLOURS = (36, 32, 33, 35, 34, 31)


class ServiceLog:
    """Without a console the lines go to the files alone."""

    def __init__(self, folder: Path, console: TextIO | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._console, self._lock = folder, console, Lock()
        self._files: dict[str, RotatingFileHandler] = {}

    def write(self, name: str, line: str, *, quiet: bool = False) -> None:
        """Keep one line of one child, and show it unless it is `quiet`."""
        with self._lock:
            self._file(name).emit(logging.makeLogRecord({"msg": line}))
            if self._console and not quiet:
                print(self._prefix(name), line, file=self._console, flush=True)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self._files:
            handler = RotatingFileHandler(
                self.path(name), maxBytes=5_000_000, backupCount=2, encoding="utf-8"
            )
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            self._files[name] = handler
        return self._files[name]

    def _prefix(self, name: str) -> str:
        plain = f"{name:<{WIDTH}} |"
        if not self._console or not self._console.isatty():
            return plain
        colour = COLOURS[list(self._files).index(name) % len(COLOURS)]
        return f"\033[{colour}m{plain}\033[0m"
