"""Several web processes behind one socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
from django.conf import settings


@contextmanager
def web_server(processes: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yield the program, when it answers, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "OYL_DATA_DIR": str(settings.OYL_DATA_DIR),
        "OYL_PORT": str(port),
        "OYL_WEB_PROCESSES": str(processes),
        "OYL_ALLOW_ROOT": "true",
    }
    command = (sys.executable, "-m", "oyl.web_server")
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=os.environ | environment, start_new_session=True
    ) as program:
        try:
            address = f"http://127.0.0.1:{port}/healthz"
            wait_for(lambda: is_answered(address) and len(workers(program)) == processes)
            yield program, address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_answered(address: str) -> bool:
    try:
        return httpx.get(address, timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def workers(program: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children: list[psutil.Process] = psutil.Process(program.pid).children()
    return children


def test_all_processes_answer_and_end_together(database):
    with web_server(2) as (program, address):
        started = workers(program)
        wait_for(lambda: {one.pid for one in started} <= answering(address, started))
        program.terminate()
        assert program.wait(30) == 0
        assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in started)
        assert not is_answered(address)


def answering(address: str, started: list[psutil.Process]) -> set[int]:
    """The processes that have a connection of several that are open at once."""
    clients = [httpx.Client() for _ in range(16)]
    try:
        for client in clients:
            assert client.get(address, timeout=20).status_code == 200
        port = httpx.URL(address).port
        return {
            one.pid
            for one in started
            for connection in one.net_connections()
            if connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
        }
    finally:
        for client in clients:
            client.close()


def test_the_program_ends_when_one_of_its_processes_does(database):
    with web_server(2) as (program, _):
        first, second = workers(program)
        first.kill()
        assert program.wait(30) == 1
        assert not second.is_running()


def test_number_of_processes_is_checked():
    environment = os.environ | {"OYL_WEB_PROCESSES": "0", "DJANGO_SETTINGS_MODULE": "oyl.settings"}
    command = (sys.executable, "-c", "from django.conf import settings; settings.DEBUG")
    done = subprocess.run(
        command, check=False, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert done.returncode and "OYL_WEB_PROCESSES must be 1 or more." in done.stderr
