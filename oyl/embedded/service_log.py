"""Writes the lines of each child process to a rotated file of its own and, with a prefix, to the console."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock
from typing import TextIO

WIDTH = 8
COLOURS = (36, 32, 33, 35, 34, 31)


class ServiceLog:
    """Without a console the lines go only to the files."""

    def __init__(self, folder: Path, console: TextIO | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._console, self._lock = folder, console, Lock()
        self._files: dict[str, RotatingFileHandler] = {}

    def write(self, name: str, line: str, *, quiet: bool = False) -> None:
        """Write one line of one child to its file and, unless it is `quiet`, to the console."""
        with self._lock:
            if name not in self._files:
                self._files[name] = RotatingFileHandler(
                    self.path(name), maxBytes=5_000_000, backupCount=2, encoding="utf-8"
                )
                self._files[name].setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            self._files[name].emit(logging.makeLogRecord({"msg": line}))
            if self._console and not quiet:
                prefix = f"{name:<{WIDTH}} |"
                if self._console.isatty():
                    colour = COLOURS[list(self._files).index(name) % len(COLOURS)]
                    prefix = f"\033[{colour}m{prefix}\033[0m"
                print(prefix, line, file=self._console, flush=True)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()
