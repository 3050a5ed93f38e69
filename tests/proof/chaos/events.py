"""A log of the events in all processes, one line each, written at once, so that no kill can lose an event."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


class Log:
    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, *, pid: int = 0, **fields: Any) -> None:
        line = {"at": time.time(), "event": event, "pid": pid or os.getpid(), **fields}
        os.write(self._handle, json.dumps(line).encode() + b"\n")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
