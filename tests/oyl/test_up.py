"""`manage.py up` refuses to start twice or on a busy port, and explains what to do."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command

from core.private_files import open_to_others
from oyl.embedded import instance
from oyl.embedded.instance import InstanceKind
from oyl.embedded.layout import Layout
from oyl.embedded.supervisor import ROOT
from oyl.embedded.up import welcome


@pytest.fixture
def layout(tmp_path: Path, settings: Any) -> Layout:
    made = Layout(tmp_path / "var")
    settings.LAYOUT, settings.OYL_DATA_DIR = made, made.data
    return made


@pytest.fixture
def busy_port(settings: Any) -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        settings.OYL_PORT = listener.getsockname()[1]
        yield settings.OYL_PORT


def test_busy_port_is_reported_with_another_to_choose(layout, busy_port):
    with pytest.raises(CommandError, match=rf"Port {busy_port} .*in use.* OYL_PORT={busy_port + 1} make up"):
        call_command("up")
    assert not layout.postgres.exists()


@pytest.mark.parametrize(
    ("host", "port", "advice"),
    [("127.0.0.1", 70000, "1 to 65535"), ("192.0.2.1", 8000, "OYL_HOST=192.0.2.1")],
)
def test_invalid_address_is_explained(layout, settings, host, port, advice):
    settings.OYL_HOST, settings.OYL_PORT = host, port
    with pytest.raises(CommandError, match=advice):
        call_command("up")


def test_a_second_start_names_the_first(layout):
    first = instance.acquire(layout, InstanceKind.UP, address="http://127.0.0.1:8123")
    assert first
    try:
        with pytest.raises(
            CommandError, match=r"already running at http://127\.0\.0\.1:8123 \(process \d+\)"
        ):
            call_command("up")
    finally:
        first.release()


def test_a_command_that_uses_the_services_is_named(layout, settings):
    settings.OYL_PORT = 0
    first = instance.acquire(layout, InstanceKind.COMMAND)
    assert first
    try:
        with pytest.raises(CommandError, match=r"command \(process \d+\) is using the services"):
            call_command("up")
    finally:
        first.release()


def test_welcome_shows_address_and_credentials(layout, settings):
    layout.data.mkdir()
    demo = '{"tenant": "Demo", "email": "admin@demo.example", "link": "http://127.0.0.1/join/a-b-c/"}'
    (layout.data / "demo.json").write_text(demo)
    shown = welcome(layout)
    assert f"http://127.0.0.1:{settings.OYL_PORT}/admin/" in shown
    assert "admin@demo.example" in shown
    assert "/join/a-b-c/" in shown


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_new_pid(layout: Layout, name: str, old: int) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        info = instance.running_instance(layout)
        if info and info.children[name][0] != old:
            return info.children[name][0]
        time.sleep(0.05)
    raise AssertionError(f"{name} was not started again")


def assert_unprivileged(pid: int) -> None:
    """Also if root has started it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()
    assert {status[f"Cap{name}"].strip("\t0") for name in ("Inh", "Prm", "Eff", "Amb")} == {""}
    if os.geteuid() == 0:
        assert status["CapBnd"].strip("\t0") == "" and status["NoNewPrivs"].strip() == "1"


def test_up_runs_restarts_and_stops_all_processes(tmp_path):
    layout = Layout(tmp_path / "a folder" / ("x" * 100) / ("y" * 90))
    layout.data.mkdir(parents=True)
    demo = {"tenant": "Demo", "email": "admin@demo.example", "link": "http://127.0.0.1/join/a-b-c/"}
    (layout.data / "demo.json").write_text(json.dumps(demo))
    (layout.files / "tenants").mkdir(parents=True)
    (layout.files / "tenants" / "earlier").write_text("of an earlier release, for all to read")
    for path in (layout.data, layout.files, layout.files / "tenants"):
        path.chmod(0o755)
    own = {"OYL_DATA_DIR": str(layout.data), "OYL_PORT": str(free_port())}
    own |= {
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "QDRANT_URL": "",
        "EMBEDDING_URL": "",
        "OYL_ALLOW_ROOT": "false",
    }
    command = [sys.executable, "manage.py", "up"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=0o022,
        text=True,
    ) as process:
        assert process.stdout
        try:
            shown = ""
            while "Ctrl-C stops it" not in shown:
                line = process.stdout.readline()
                assert line, f"it ended before it was ready: {shown}"
                shown += line
            assert "admin@demo.example" in shown
            info = instance.running_instance(layout)
            assert info and info.kind is InstanceKind.UP and info.ready
            assert set(info.children) >= {"postgres", "redis", "vectors", "web", "worker"}
            assert list(open_to_others(layout.data)) + list(open_to_others(layout.run)) == []
            assert {path.name for path in layout.run.iterdir() if path.is_socket()} >= {
                ".s.PGSQL.5432",
                "redis.sock",
            }
            assert "everything runs as the user" in shown
            for pid in (info.pid, *(pid for pid, _ in info.children.values())):
                assert_unprivileged(pid)
            os.kill(info.children["web"][0], signal.SIGKILL)
            wait_for_new_pid(layout, "web", info.children["web"][0])
            assert "was killed by SIGKILL" in (layout.logs / "web.log").read_text()
            info = instance.running_instance(layout)
            assert info
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert not [pid for pid, _ in info.children.values() if psutil.pid_exists(pid)]
    assert instance.running_instance(layout) is None
