"""The embedded services: their data survives restarts and crashes, and processes share them safely."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString

import psutil
import psycopg
import pytest
from django.core.management import call_command

from oyl.embedded import instance, postgres, redis
from oyl.embedded.errors import ServiceError
from oyl.embedded.instance import InstanceInfo, InstanceKind
from oyl.embedded.layout import Layout
from oyl.embedded.secrets import database_passwords, service_passwords
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.services import ensure_services
from oyl.embedded.supervisor import ROOT, Supervisor

USE_SERVICES = """
import sys
from oyl.embedded.services import ensure_services
with ensure_services():
    print("inside", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def services(layout: Layout) -> Iterator[None]:
    mine = instance.acquire(layout, InstanceKind.COMMAND)
    assert mine
    service_log = ServiceLog(layout.logs)
    supervisor = Supervisor(service_log, mine.child_started)
    try:
        supervisor.start([redis.program(layout), postgres.program(layout)])
        mine.mark_ready()
        yield
    finally:
        supervisor.stop()
        service_log.close()
        mine.release()


def query(layout: Layout, text: LiteralString, user: str = "oyl_owner") -> list[tuple[Any, ...]]:
    password = database_passwords(layout.database_passwords)[user]
    with psycopg.connect(
        host=str(layout.run), user=user, password=password, dbname="oyl", autocommit=True
    ) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def environment(layout: Layout) -> dict[str, str]:
    return {
        **os.environ,
        "OYL_DATA_DIR": str(layout.data),
        "DJANGO_SETTINGS_MODULE": "oyl.settings",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "QDRANT_URL": "",
    }


@contextmanager
def another_process(layout: Layout) -> Iterator[subprocess.Popen[str]]:
    """A process inside `ensure_services`, which it leaves when a line is written to it."""
    command = [sys.executable, "-c", USE_SERVICES]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(layout), stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "inside\n"
        try:
            yield process
        finally:
            process.kill()


def owner(layout: Layout) -> InstanceInfo:
    info = instance.running_instance(layout)
    assert info
    return info


def send_line(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture(scope="module")
def long_path_layout(tmp_path_factory):
    """A data folder with a space in it whose path has more than 200 characters."""
    return Layout(tmp_path_factory.mktemp("far") / "a folder" / ("x" * 90) / ("y" * 90) / "var")


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "var")


def test_data_survives_a_restart_in_a_long_path_with_a_space(long_path_layout):
    assert len(str(long_path_layout.data)) > 200
    with services(long_path_layout):
        query(long_path_layout, "CREATE TABLE kept (word text)")
        query(long_path_layout, "INSERT INTO kept VALUES ('still here')")
    with services(long_path_layout):
        assert query(long_path_layout, "SELECT word FROM kept") == [("still here",)]
        assert redis.program(long_path_layout).is_ready()
    assert not postgres.program(long_path_layout).is_ready()


def test_roles_have_the_required_rights(layout):
    with services(layout):
        roles = query(
            layout,
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles "
            "WHERE rolname LIKE 'oyl%' ORDER BY rolname",
        )
        assert roles == [
            ("oyl_app", True, False, False, False),
            ("oyl_lookup", False, False, False, False),
            ("oyl_owner", True, False, False, True),
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(layout, "CREATE TABLE mine (id int)", user="oyl_app")
        assert query(layout, "SHOW listen_addresses") == [("",)]
        assert query(layout, "SHOW fsync") == [("on",)]


def test_nobody_signs_in_without_a_password_and_the_superuser_never(layout):
    with services(layout):
        for user in ("postgres", "oyl_app", "oyl_owner", "oyl_lookup"):
            with pytest.raises(psycopg.OperationalError, match=r"no password supplied|no pg_hba.conf entry"):
                psycopg.connect(host=str(layout.run), user=user, dbname="oyl")
        passwords = layout.database_passwords
        assert passwords.stat().st_mode & 0o777 == 0o600


def ask_redis(layout: Layout, *commands: str) -> list[bytes]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(layout.redis_socket))
        answers = []
        for command in commands:
            connection.sendall(command.encode() + b"\r\n")
            answers.append(connection.recv(999))
        return answers


def test_redis_answers_only_with_a_password_and_changes_no_configuration_or_files(layout):
    layout.run.mkdir(mode=0o700)
    service_log = ServiceLog(layout.logs)
    supervisor = Supervisor(service_log, lambda name, pid: None)
    password = service_passwords(layout.service_passwords)["redis"]
    try:
        supervisor.start([redis.program(layout)])
        for command in (
            "CONFIG GET dir",
            "SAVE",
            "BGSAVE",
            "DEBUG OBJECT a",
            "MODULE LIST",
            "REPLICAOF a 1",
            "ACL LIST",
            "SCRIPT FLUSH",
            "EVAL return 0",
            "FUNCTION LIST",
        ):
            signed_in, answer = ask_redis(layout, f"AUTH oyl {password}", command)
            assert signed_in == b"+OK\r\n"
            assert answer.startswith((b"-NOPERM", b"-ERR DEBUG command not allowed")), command
        for command in ("PING", "GET a", "INFO", "HELLO 3"):
            assert ask_redis(layout, command)[0].startswith(b"-NOAUTH"), command
        assert ask_redis(layout, "AUTH default x", "PING")[1].startswith(b"-NOAUTH")
        commands = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
        (command,) = [each for each in commands if str(layout.redis_socket) in each]
        assert password not in command
        assert layout.service_passwords.stat().st_mode & 0o777 == 0o600
    finally:
        supervisor.stop()
        service_log.close()
        shutil.rmtree(layout.run)


def test_two_instances_run_side_by_side(long_path_layout, layout):
    with services(long_path_layout), services(layout):
        query(layout, "CREATE TABLE only_here (id int)")
        assert query(long_path_layout, "SELECT to_regclass('only_here')") == [(None,)]


def test_socket_folder_is_private(layout):
    with services(layout):
        assert layout.run.stat().st_mode & 0o777 == 0o700
        assert layout.run.stat().st_uid == os.getuid()


def test_socket_folder_of_another_user_is_refused(layout, tmp_path):
    layout.run.symlink_to(tmp_path)
    try:
        with pytest.raises(ServiceError, match="not this user's own folder"):
            instance.acquire(layout, InstanceKind.COMMAND)
    finally:
        layout.run.unlink()


def test_next_owner_takes_over_a_killed_owners_data(layout):
    with another_process(layout) as process:
        query(layout, "CREATE TABLE kept AS SELECT 7 AS number")
        server = psutil.Process(owner(layout).children["postgres"][0])
        process.send_signal(signal.SIGKILL)
        process.wait()
    with services(layout):
        assert query(layout, "SELECT number FROM kept") == [(7,)]
        assert not server.is_running()


def test_next_owner_stops_a_killed_owners_server(layout):
    mine = instance.acquire(layout, InstanceKind.COMMAND)
    assert mine
    sleeper = subprocess.Popen(["sleep", "60"])
    mine.child_started("sleeper", sleeper.pid)
    os.close(mine._handle)  # what the kernel does for a killed process
    next_one = instance.acquire(layout, InstanceKind.COMMAND)
    assert not psutil.pid_exists(sleeper.pid)
    sleeper.wait()
    assert next_one
    next_one.release()


def test_children_started_concurrently_are_all_recorded(layout):
    mine = instance.acquire(layout, InstanceKind.COMMAND)
    assert mine
    names = [f"child{number}" for number in range(40)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(lambda name: mine.child_started(name, os.getpid()), names))
    assert set(owner(layout).children) == set(names)
    mine.release()


def test_first_process_waits_for_other_users_of_its_services(layout):
    with another_process(layout) as first, another_process(layout) as second:
        assert owner(layout).pid == first.pid
        send_line(first)
        time.sleep(0.3)
        assert query(layout, "SELECT 1") == [(1,)]
        send_line(second)
        assert second.wait(5) == 0
        assert first.wait(5) == 0
    assert instance.running_instance(layout) is None


def test_crashed_server_is_restarted(layout):
    with services(layout):
        crashed = owner(layout).children["redis"][0]
        os.kill(crashed, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while owner(layout).children["redis"][0] == crashed or not redis.program(layout).is_ready():
            assert time.monotonic() < deadline, "it was not started again"
            time.sleep(0.02)
    assert "was killed by SIGKILL" in (layout.logs / "redis.log").read_text()


def test_services_run_in_the_background_until_they_are_stopped(layout, settings, monkeypatch, capsys):
    settings.LAYOUT, settings.REDIS_URL = layout, redis.url(layout)
    for name, value in environment(layout).items():
        monkeypatch.setenv(name, value)

    def services_command(action: str) -> Any:
        call_command("services", action, "--json")
        return json.loads(capsys.readouterr().out)

    started = services_command("start")
    try:
        assert set(started["services"].values()) == {"running"}
        assert started["owner"]["kind"] == "services"
        with ensure_services():
            assert query(layout, "SELECT 1") == [(1,)]
        assert services_command("status") == started
    finally:
        stopped = services_command("stop")
    assert set(stopped["services"].values()) == {"stopped"}
    assert stopped["owner"] is None
