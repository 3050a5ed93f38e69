"""The main job in namespaces without a way out: no name look-up, no packet, and no file outside of the data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from core.apps import oyl_apps
from tests.proof.conftest import Report
from tests.proof.offline.conftest import UNSHARE
from tests.proof.offline.job import BY_UP, COMMANDS, REFUSED, ROOT, SMALL

LOOK_UP_AND_CONNECT = """
import socket
from pathlib import Path
Path.home().joinpath("left-behind").write_text("x")
for address in ("198.51.100.7", "2001:db8::7", "somewhere.example"):
    try:
        socket.create_connection((address, 443), timeout=0.1)
    except OSError:
        pass
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because it has the path of a socket. In the overlay it is empty, and holds what OYL may write."""
    with tempfile.TemporaryDirectory(prefix="o-", dir="/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def isolated(folder: Path, *command: str) -> dict[str, Any]:
    """Run the command with an environment in which nothing is switched off."""
    home, data = folder / "home", folder / "data"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(folder / "tmp"),
        "OYL_DATA_DIR": str(data),
        "OYL_PORT": "8000",
        "RES_OPTIONS": "timeout:1 attempts:1",
    }
    for made in (home, folder / "tmp", folder / "overlay"):
        made.mkdir(mode=0o777)
        made.chmod(0o777)
    module = (sys.executable, "-m", "tests.proof.offline.isolated", str(os.getuid()), str(folder / "overlay"))
    done = subprocess.run(
        [*UNSHARE, *module, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["status"] == 0, done.stderr[-4000:]
    return result


def left_behind(result: dict[str, Any], folder: Path) -> list[str]:
    """The files outside of the data folder, without those that the job itself writes, and Python's bytecode."""
    own = tuple(f"{folder}/{name}/" for name in ("data", "files", "dataset", "overlay"))
    return [file for file in result["files"] if not file.startswith(own) and "/__pycache__/" not in file]


def test_harness_counts_look_ups_packets_and_files(folder: Path):
    result = isolated(folder, sys.executable, "-c", LOOK_UP_AND_CONNECT)
    assert set(result["name_lookups"]) == {"somewhere.example"}
    assert {packet.partition(",")[0] for packet in result["packets"]} == {
        "protocol 6 to 198.51.100.7",
        "protocol 6 to 2001:db8::7",
    }
    assert left_behind(result, folder) == [f"{folder}/home/left-behind"]


def test_job_uses_every_command():
    apps = {config.name for config in oyl_apps()} | {"oyl", "core"}
    ours = {name for name, app in get_commands().items() if app in apps}
    assert ours == {*COMMANDS, *BY_UP, *REFUSED}


def test_main_job_sends_nothing_and_leaves_no_file(
    folder: Path, request: pytest.FixtureRequest, report: Report
):
    long = ("--long",) if request.config.getoption("--long") else ()
    result = isolated(folder, sys.executable, "-m", "tests.proof.offline.job", str(folder), *long)
    files = left_behind(result, folder)
    figures = {
        "Commands, with `up`": (1 + (len(COMMANDS) if long else SMALL), ""),
        "Name look-ups": (len(result["name_lookups"]), "0"),
        "Packets to anywhere but the own machine": (len(result["packets"]), "0"),
        "Files left outside of the data folder": (len(files), "0"),
    }
    rows = [
        {"What": what, "Measured": str(measured), "Target": target}
        for what, (measured, target) in figures.items()
    ]
    report("offline", rows)
    assert (result["name_lookups"], result["packets"], files) == ([], [], [])
