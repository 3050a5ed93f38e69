"""A parser process, and every program that it starts, has no way out."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oyl.embedded.program import without_root
from oyl.embedded.supervisor import ROOT

# What is imported first: `an ordinary user` may be one who reaches this checkout by a capability, and loses it inside.
FIRST = "import encodings.idna, os, socket, subprocess\n"
IN_JAIL = """
from engines.parsing import sandbox
from engines.parsing.job import Limits
sandbox.enter(Limits(seconds=9, memory_mb=900, output_mb=9, text_mb=9, ocr_pages=9))
"""
FILTERED = "from engines.parsing import socket_filter; socket_filter.forbid()\n"
CONNECT = "socket.create_connection(('127.0.0.1', {port}))"
STARTED = "subprocess.run(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/{port}'])"
NETWORK = "print(os.readlink('/proc/self/ns/net'))"
USERS = ("whoever runs this", "an ordinary user")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server


def run(script: str, user: str) -> subprocess.CompletedProcess[str]:
    command: tuple[str, ...] = (sys.executable, "-B", "-c", FIRST + script)
    command = without_root(command) if user == "an ordinary user" else command
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_attempts_would_succeed_outside(listener: socket.socket) -> None:
    for attempt in (CONNECT, STARTED):
        run(attempt.format(port=listener.getsockname()[1]), USERS[0])
        listener.accept()[0].close()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attempt", [CONNECT, STARTED], ids=["itself", "a program"])
@pytest.mark.parametrize("prison", [IN_JAIL, FILTERED], ids=["sandbox", "filter alone"])
def test_nobody_inside_can_call_anybody(
    listener: socket.socket, prison: str, attempt: str, user: str
) -> None:
    done = run(prison + attempt.format(port=listener.getsockname()[1]), user)
    assert "Permission denied" in done.stderr or "A parser has no network" in done.stderr
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize("user", USERS)
def test_the_network_is_an_empty_one_where_the_kernel_permits(user: str) -> None:
    may = run("subprocess.run(['unshare', '--user', '--net', 'true'], check=True)", user)
    if may.returncode:
        pytest.skip("this kernel gives no process a network of its own")
    assert run(IN_JAIL + NETWORK, user).stdout.strip() not in ("", str(Path("/proc/self/ns/net").readlink()))
