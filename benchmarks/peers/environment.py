"""The peers' own Python environment, made when it is first needed, and their scripts run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
VENV = HERE / ".venv"
STAMP = VENV / ".installed"
# Nothing is fetched and nobody is told while the clock runs.
QUIET = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "TOKENIZERS_PARALLELISM": "false"}


class Peer:
    """A script that answers each line with one of JSON."""

    def __init__(self, told: IO[str], answers: IO[str]) -> None:
        self._told, self._answers = told, answers

    def ask(self) -> dict[str, Any]:
        self._told.write("\n")
        self._told.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise SystemExit("The peer's script ended early: see its error above.")
        return dict(json.loads(line))


@contextmanager
def start(script: str, *arguments: str) -> Iterator[Peer]:
    """The script of that name as a process, which ends with the block."""
    command = [_python(), "-W", "ignore", "-m", f"peers.{script}", *arguments]
    with subprocess.Popen(
        command,
        cwd=HERE.parent,
        env={**os.environ, **QUIET},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        yield Peer(process.stdin, process.stdout)
        process.stdin.close()


def _python() -> str:
    """PEERS_PYTHON, or else the interpreter of an environment with what requirements.txt names."""
    given = os.environ.get("PEERS_PYTHON")
    if given:
        return given
    if not STAMP.exists() or STAMP.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        _install()
    return str(VENV / "bin" / "python")


def _install() -> None:
    sys.stderr.write(f"Installing the peers into {VENV} (several gigabytes, once)\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    STAMP.touch()
