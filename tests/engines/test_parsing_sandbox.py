"""A parser process, and every program that it starts, has no network."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oyl.embedded.program import without_root
from oyl.embedded.supervisor import ROOT

# Imported before the sandbox is entered: an unprivileged user may reach this checkout only by a capability, and lose it.
IMPORTS = "import encodings.idna, os, socket, subprocess, tempfile\n"
IN_SANDBOX = """
from engines.parsing import sandbox
from engines.parsing.job import Limits
limits = Limits(seconds=9, memory_mb=900, output_mb=9, text_mb=9, ocr_pages=9)
layers, network = sandbox.enter(), os.readlink('/proc/self/ns/net')
ruleset = sandbox.prepare(layers, limits, tempfile.mkdtemp())
sandbox.confine(ruleset, limits, os.open('/dev/null', os.O_RDONLY))
"""
IN_FILTER = "from engines.parsing import system_calls; system_calls.restrict(may_start_programs=True)\n"
CONNECT = "socket.create_connection(('127.0.0.1', {port}))"
CONNECT_BY_PROGRAM = "subprocess.run(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/{port}'])"
PRINT_NETWORK = "print(network)"
USERS = ("current user", "unprivileged user")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server


def run(script: str, user: str) -> subprocess.CompletedProcess[str]:
    command: tuple[str, ...] = (sys.executable, "-B", "-c", IMPORTS + script)
    command = without_root(command) if user == "unprivileged user" else command
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_connections_succeed_outside_the_sandbox(listener: socket.socket) -> None:
    for attempt in (CONNECT, CONNECT_BY_PROGRAM):
        assert run(attempt.format(port=listener.getsockname()[1]), USERS[0]).stderr == ""
        listener.accept()[0].close()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attempt", [CONNECT, CONNECT_BY_PROGRAM], ids=["itself", "a program"])
@pytest.mark.parametrize("setup", [IN_SANDBOX, IN_FILTER], ids=["sandbox", "filter alone"])
def test_connections_fail_inside_the_sandbox(
    listener: socket.socket, setup: str, attempt: str, user: str
) -> None:
    result = run(setup + attempt.format(port=listener.getsockname()[1]), user)
    assert "Permission denied" in result.stderr
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize("user", USERS)
def test_network_namespace_is_empty_if_permitted(user: str) -> None:
    permitted = run("subprocess.run(['unshare', '--user', '--net', 'true'], check=True)", user)
    network = run(IN_SANDBOX + PRINT_NETWORK, user).stdout.strip()
    assert network.startswith("net:")
    assert (network != str(Path("/proc/self/ns/net").readlink())) == (permitted.returncode == 0)
