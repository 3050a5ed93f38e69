"""`doctor` uses every component, and says what to do about each failure."""

import json
import os
import signal
import socket
import threading
import time
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client, override_settings
from redis import Redis

from core.private_files import close_to_others
from engines.parsing.sandbox import Layers
from jobs import signs_of_life
from jobs.signs_of_life import FORGOTTEN_SECONDS, SILENT_SECONDS, start_giving_signs
from oyl import doctor
from oyl.doctor import State
from tests.proof import killable
from tests.support.chat_model_file import MODEL_FILE


@pytest.fixture(autouse=True)
def own_signs(monkeypatch):
    """Other tests have workers, too, and kill them."""
    monkeypatch.setattr(signs_of_life, "PREFIX", f"oyl:alive:{uuid4().hex}")


def state_of(component):
    probes = {name: (name, probe, advice) for name, probe, advice in doctor.COMPONENTS}
    check = doctor._run_check(*probes[component])
    assert bool(check.advice) == (check.state is not State.OK)
    return check.state, check.detail


def test_doctor_accepts_the_suites_installation(database):
    stdout = StringIO()
    with override_settings(OYL_AUDIT_KEY="k" * 32):
        call_command("doctor", json=True, stdout=stdout)
    states = {check["component"]: check["state"] for check in json.loads(stdout.getvalue())}
    assert len(states) == len(doctor.COMPONENTS) == 20
    assert {name for name, state in states.items() if state != "ok"} <= {
        "soffice",
        "data folder",
        "file modes",
        "sandbox",
        "user",
        "worker",
        "beat",
    }


@override_settings(REDIS_URL="redis://localhost:1")
def test_unreachable_component_fails_the_command_after_all_checks(database):
    stdout = StringIO()
    with pytest.raises(CommandError, match="Not fit for work: redis"):
        call_command("doctor", stdout=stdout)
    text = stdout.getvalue()
    assert "→ Is Redis running, and REDIS_URL right?" in text
    assert "ok    embedder" in text


@pytest.mark.parametrize(
    ("component", "changed", "expected", "detail"),
    [
        ("encryption keys", {"OYL_ENCRYPTION_KEYS": "nonsense"}, State.FAIL, "entry 1 is not of the form"),
        ("chat model", {"OYL_CHAT_MODEL_FILE": "/nowhere.gguf"}, State.FAIL, "No such file"),
        ("chat model", {"OYL_CHAT_MODEL_FILE": __file__}, State.FAIL, "must be a model in the format GGUF"),
        ("chat model", {"OYL_CHAT_MODEL_FILE": str(MODEL_FILE)}, State.WARN, "is not running"),
        ("audit key", {"OYL_AUDIT_KEY": "short"}, State.WARN, "fewer than 32"),
        ("outbound", {"OUTBOUND_ALLOW": ["10.0.0.0/33"]}, State.FAIL, "neither a host"),
        ("data folder", {"OYL_DATA_DIR": Path("/nowhere/at/all")}, State.FAIL, "No such file or directory"),
    ],
)
def test_invalid_setting_is_explained(component, changed, expected, detail):
    with override_settings(**changed):
        state, found = state_of(component)
    assert state is expected
    assert detail in found


def test_missing_libreoffice_is_a_warning(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert state_of("soffice") == (State.WARN, "not found, so that .doc and .ppt files are refused")


@pytest.mark.parametrize(
    ("landlock", "namespaces", "setting", "expected"),
    [
        (7, True, "required", State.OK),
        (7, False, "required", State.WARN),
        (0, True, "available", State.WARN),
        (0, True, "required", State.FAIL),
    ],
)
def test_missing_layers_of_the_sandbox_are_named(
    settings, monkeypatch, landlock, namespaces, setting, expected
):
    layers = Layers(landlock=landlock, system_calls=True, namespaces=namespaces)
    monkeypatch.setattr("engines.parsing.process.available_layers", lambda service: layers)
    settings.PARSER_SANDBOX = setting
    state, detail = state_of("sandbox")
    assert state is expected
    assert all(name in detail for name in layers.missing)


@pytest.mark.parametrize(("free", "expected"), [(6 << 30, "ok"), (2 << 30, "warn"), (1 << 29, "fail")])
def test_low_disk_space_is_reported(monkeypatch, free, expected):
    monkeypatch.setattr("oyl.doctor.shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert state_of("data folder")[0] == expected


@pytest.mark.parametrize(
    ("open_path", "expected"), [("", State.FAIL), ("files", State.WARN), ("a", State.WARN)]
)
def test_data_folder_that_others_may_open_is_reported(settings, tmp_path, open_path, expected):
    settings.OYL_DATA_DIR = folder = tmp_path / "data"
    (folder / "files").mkdir(parents=True)
    (folder / "a").touch()
    for path in (folder, folder / "files", folder / "a"):
        path.chmod(0o700)
    assert state_of("file modes")[0] is State.OK
    (folder / open_path).chmod(0o755)
    state, detail = state_of("file modes")
    assert state is expected and detail.endswith(str(folder / open_path))
    assert close_to_others(folder) == 1 and state_of("file modes")[0] is State.OK


def test_table_without_isolation_fails(database):
    with connections["owner"].cursor() as cursor:
        try:
            cursor.execute("CREATE TABLE astray (id uuid)")
            state, detail = state_of("isolation")
        finally:
            cursor.execute("DROP TABLE astray")
    assert state is State.FAIL
    assert detail.startswith("astray: It has no tenant_id.")


def test_unapplied_migration_fails(database):
    rename = "UPDATE django_migrations SET name = %s WHERE app = 'workflows' AND name = %s"
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT max(name) FROM django_migrations WHERE app = 'workflows'")
        (newest,) = cursor.fetchone()
        try:
            cursor.execute(rename, ["0000_other", newest])
            state, detail = state_of("migrations")
        finally:
            cursor.execute(rename, [newest, "0000_other"])
    assert state is State.FAIL
    assert f"workflows.{newest}" in detail


def live_as_worker() -> None:
    start_giving_signs("worker")
    threading.Event().wait()


def test_a_frozen_worker_is_seen(database):
    """By `doctor` and `/readyz`, although the process is there."""
    worker = killable.start(live_as_worker)
    key = f"{signs_of_life.PREFIX}:worker:{socket.gethostname()}:{worker.pid}"
    try:
        with Redis.from_url(settings.REDIS_URL) as redis:
            while not redis.exists(key):
                time.sleep(0.02)
            assert state_of("worker")[0] is State.OK
            assert Client().get("/readyz").json()["components"]["worker"]
            os.kill(worker.pid, signal.SIGSTOP)
            redis.expire(key, FORGOTTEN_SECONDS - SILENT_SECONDS - 1)  # as if that much time had passed
            assert state_of("worker") == (State.FAIL, f"silent: {socket.gethostname()}:{worker.pid} for 46 s")
            ready = Client().get("/readyz")
            assert (ready.status_code, ready.json()["components"]["worker"]) == (200, False)
            redis.delete(key)
    finally:
        worker.kill()
