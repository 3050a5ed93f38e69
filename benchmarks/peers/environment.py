"""The peers' own Python environment, which is installed on first use and runs their scripts."""

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
# No downloads and no telemetry during measurements.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "TOKENIZERS_PARALLELISM": "false"}


class Peer:
    """A script that responds to each line with a line of JSON."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def request(self) -> dict[str, Any]:
        self._stdin.write("\n")
        self._stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        line = self._stdout.readline()
        if not line:
            raise SystemExit("The peer's script ended early: see its error above.")
        return dict(json.loads(line))


def packages() -> str:
    """The folder of the environment's packages."""
    command = (_python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _python() -> str:
    """PEERS_PYTHON, or else the interpreter of an environment with requirements.txt, which is installed if need be."""
    python = os.environ.get("PEERS_PYTHON") or str(VENV / "bin" / "python")
    is_old = not STAMP.exists() or STAMP.stat().st_mtime < REQUIREMENTS.stat().st_mtime
    if is_old and "PEERS_PYTHON" not in os.environ:
        sys.stderr.write(f"Installing the peers into {VENV} (several gigabytes, once)\n")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        STAMP.touch()
    return python


@contextmanager
def start(script: str, *arguments: str) -> Iterator[Peer]:
    """Run the script of that name in a process, which ends with the block."""
    with subprocess.Popen(
        [_python(), "-W", "ignore", "-m", f"peers.{script}", *arguments],
        cwd=HERE.parent,
        env={**os.environ, **OFFLINE},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        yield Peer(process.stdin, process.stdout)
        process.stdin.close()
