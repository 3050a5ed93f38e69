"""docker-compose.yml: the settings in its environments, and the roles that its scripts create in a real PostgreSQL."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.conf import settings
from redis import Redis

from jobs.handlers import handlers
from oyl.celery import app
from oyl.embedded import postgres, redis
from oyl.embedded.layout import Layout
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from oyl.embedded.up import application
from tests.contracts.settings_source import required_on_servers, variables

ROOT: Path = settings.BASE_DIR
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = ("migrate", "web", "worker", "workflows", "beat")
KEYS = {"SECRET_KEY", "OYL_ENCRYPTION_KEYS", "OYL_AUDIT_KEY"}
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
FILLED_IN = {name: value or f"{name.lower()}-value" for name, value in EXAMPLE.items()}
FILLED_IN["OYL_ENCRYPTION_KEYS"] = f"k1:{base64.b64encode(os.urandom(32)).decode()}"
REFERENCE = re.compile(r"\$\{(\w+)(:[?-])?([^}]*)\}")
WITHOUT_PASSWORD = "postgresql://oyl_app@postgres:5432/oyl"
# The secrets of each service, by the name in .env; and the networks, of which one leads out.
SECRETS = {
    "migrate": {"OYL_OWNER_PASSWORD", "OYL_APP_PASSWORD", "REDIS_PASSWORD", "QDRANT_API_KEY", *KEYS},
    "web": {"OYL_APP_PASSWORD", "REDIS_PASSWORD", "QDRANT_API_KEY", *KEYS},
    "worker": {"OYL_APP_PASSWORD", "REDIS_PASSWORD", "QDRANT_API_KEY", "OYL_AUDIT_KEY"},
    "workflows": {
        *("OYL_APP_PASSWORD", "REDIS_PASSWORD", "QDRANT_API_KEY"),
        *("OYL_AUDIT_KEY", "OYL_ENCRYPTION_KEYS"),
    },
    "beat": {"REDIS_PASSWORD"},
    "parser": set[str](),
    "postgres": {"POSTGRES_PASSWORD", "OYL_OWNER_PASSWORD", "OYL_APP_PASSWORD"},
    "redis": {"REDIS_PASSWORD"},
    "qdrant": {"QDRANT_API_KEY"},
}
NETWORKS = {
    "migrate": {"database"},
    "web": {"database", "messages", "vectors", "outside"},
    "worker": {"database", "messages", "vectors", "outside"},
    "workflows": {"database", "messages", "vectors", "outside"},
    "beat": {"messages"},
    "postgres": {"database"},
    "redis": {"messages"},
    "qdrant": {"vectors"},
}
SHOW_SETTINGS = """
import json
from oyl import settings
shown = settings.EMBEDDED, settings.DATABASES, settings.REDIS_URL, settings.QDRANT_URL
print(json.dumps(shown, default=str))
"""


def resolve(value: str) -> str:
    """Return what compose substitutes for `${NAME:?message}` and `${NAME:-default}`."""
    return REFERENCE.sub(lambda m: FILLED_IN.get(m[1]) or (m[3] if m[2] == ":-" else ""), value)


def environment(service: str) -> dict[str, str]:
    return {name: resolve(value) for name, value in SERVICES[service].get("environment", {}).items()}


def load_settings(given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name not in variables()}
    command = [sys.executable, "-c", SHOW_SETTINGS]
    return subprocess.run(
        command, cwd=ROOT, env={**own, **given}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("service", OURS)
def test_environment_has_known_and_all_required_settings(service):
    given = environment(service)
    assert given.keys() <= variables()
    assert required_on_servers() <= {*given, *given.get("OYL_WITHOUT_KEYS", "").split(",")}


def test_settings_load_from_the_environment_with_the_right_roles():
    loaded = load_settings(environment("migrate"))
    assert loaded.returncode == 0, loaded.stderr
    embedded, databases, redis_url, qdrant_url = json.loads(loaded.stdout)
    assert not embedded
    assert {name: (given["HOST"], given["USER"]) for name, given in databases.items()} == {
        "default": ("postgres", "oyl_app"),
        "owner": ("postgres", "oyl_owner"),
    }
    assert redis_url.endswith("@redis:6379/0")
    assert qdrant_url == "http://qdrant:6333"


@pytest.mark.parametrize("name", ["SECRET_KEY", "OYL_ENCRYPTION_KEYS", "OYL_AUDIT_KEY", "ALLOWED_HOSTS"])
def test_missing_required_setting_is_refused(name):
    given = environment("web")
    del given[name]
    loaded = load_settings({**given, "OYL_DATA_DIR": str(ROOT / "var")})
    assert loaded.returncode != 0
    assert f"Set {name}" in loaded.stderr


def test_only_migrate_gets_the_owner_role():
    assert "DATABASE_OWNER_URL" in SERVICES["migrate"]["environment"]
    for service in ("web", "worker", "workflows", "beat"):
        assert "oyl_owner" not in json.dumps(SERVICES[service])


def test_every_secret_comes_from_the_environment_and_has_no_default():
    named = re.compile(r"PASSWORD|SECRET|KEY|AUTH|_URL$")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if (
                named.search(name)
                and name not in ("QDRANT_URL", "OYL_WITHOUT_KEYS")
                and value != WITHOUT_PASSWORD
            ):
                assert ":?" in value, f"{name} must be ${{…:?…}}"
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET|KEY)\w*:-", TEXT)


def test_example_has_exactly_the_variables_of_compose():
    asked = {name for name, _, _ in REFERENCE.findall(TEXT)}
    assert set(EXAMPLE) == asked - {"OYL_PORT"}
    assert all(not value for name, value in EXAMPLE.items() if re.search("PASSWORD|KEY", name))


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_confined_and_health_checked(service):
    given = SERVICES[service]
    assert str(given["user"]).split(":")[0] not in ("", "0", "root")
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"] and "cap_add" not in given and "privileged" not in given
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert 0 < given["pids_limit"] <= 512
    assert given["mem_limit"]
    assert given["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert given["healthcheck"].get("test") or service == "migrate"  # which exits
    assert given["restart"] in ("unless-stopped", "on-failure:3")


def test_each_service_gets_only_the_secrets_that_it_needs():
    secret = re.compile(r"PASSWORD|SECRET|KEY")
    found = {
        service: {name for name, _, _ in REFERENCE.findall(json.dumps(given)) if secret.search(name)}
        for service, given in SERVICES.items()
    }
    assert found == SECRETS


def test_networks_are_split_and_only_one_leads_out():
    found = {service: set(given.get("networks", [])) for service, given in SERVICES.items()}
    assert found == {"parser": set(), **NETWORKS}
    assert SERVICES["parser"]["network_mode"] == "none"
    assert not any("network_mode" in given for service, given in SERVICES.items() if service != "parser")
    networks = yaml.safe_load(TEXT)["networks"]
    assert {name for name, given in networks.items() if not (given or {}).get("internal")} == {"outside"}


def test_parser_has_a_user_of_its_own_and_shares_only_its_socket():
    parser = SERVICES["parser"]
    assert [name for name, given in SERVICES.items() if given["user"] == parser["user"]] == ["parser"]
    assert parser["volumes"] == ["parser:/parser"]
    assert "environment" not in parser
    for name in ("web", "worker"):
        assert "parser:/parser:ro" in SERVICES[name]["volumes"]
        assert f"--socket {environment(name)['PARSER_SOCKET']}" in parser["command"]
    sharing = [name for name, given in SERVICES.items() if "parser:" in str(given.get("volumes"))]
    assert sharing == ["web", "worker", "parser"]


@pytest.mark.parametrize("service", ["worker", "workflows", "beat"])
def test_process_without_some_keys_loads_all_of_oyl(service):
    start = "import django; django.setup(); from oyl.celery import app; app.loader.import_default_modules()"
    own = {name: value for name, value in os.environ.items() if name not in variables()}
    command = [sys.executable, "-c", start]
    given = {**own, "DJANGO_SETTINGS_MODULE": "oyl.settings", **environment(service)}
    started = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr


def test_beat_sends_messages_without_a_key_or_password_of_the_database(tmp_path):
    """With the embedded Redis, and no database to reach."""
    given = {
        name: value
        for name, value in environment("beat").items()
        if name not in ("REDIS_URL", "OYL_DATA_DIR")
    }
    layout = Layout(tmp_path)
    layout.run.mkdir(mode=0o700)
    service_log = ServiceLog(layout.logs)
    supervisor = Supervisor(service_log, lambda name, pid: None)
    own = {name: value for name, value in os.environ.items() if name not in variables()} | {
        "OYL_ALLOW_ROOT": "true"
    }
    command = [sys.executable, "-m", "celery", "-A", "oyl", "beat", "--schedule", str(tmp_path / "schedule")]
    try:
        supervisor.start([redis.program(layout)])
        with (
            Redis.from_url(redis.url(layout)) as messages,
            subprocess.Popen(command, cwd=ROOT, env={**own, **given, "OYL_DATA_DIR": str(tmp_path)}) as beat,
        ):
            deadline = time.monotonic() + 60
            while not (sent := messages.llen("maintenance")) and time.monotonic() < deadline:
                time.sleep(0.1)
            beat.terminate()
    finally:
        supervisor.stop()
        service_log.close()
        layout.run.rmdir()
    assert sent


def test_only_web_is_published_on_localhost():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_named_volumes_are_mounted():
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in mounted if not name.startswith("./")} == set(yaml.safe_load(TEXT)["volumes"])


def test_the_application_waits_for_the_migration():
    for service in ("web", "worker", "workflows", "beat"):
        assert SERVICES[service]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_workers_serve_every_queue_that_tasks_are_sent_to():
    served = re.findall(r"--queues (\S+)", TEXT)
    queues = set(",".join(served).split(","))
    app.loader.import_default_modules()
    sent_to = {
        getattr(task, "queue", None) or settings.CELERY_TASK_DEFAULT_QUEUE for task in app.tasks.values()
    }
    assert sent_to | {handler.queue for handler in handlers()} == queues
    commands = [program.command for program in application() if "-Q" in program.command]
    assert {name for one in commands for name in one[one.index("-Q") + 1].split(",")} == queues


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Layout]:
    """A PostgreSQL with only its superuser and an empty database, like that of the image's entrypoint."""
    layout = Layout(tmp_path / "var")
    layout.run.mkdir(mode=0o700)
    service_log = ServiceLog(layout.logs)
    supervisor = Supervisor(service_log, lambda name, pid: None)
    try:
        supervisor.start([replace(postgres.program(layout), on_ready=lambda: None)])
        with psycopg.connect(host=str(layout.run), user="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE oyl")
        yield layout
    finally:
        supervisor.stop()
        service_log.close()


def run_init_scripts(layout: Layout) -> None:
    """Run the scripts like the image: with psql, up to the first error, in the service's environment."""
    mounts = [volume.split(":") for volume in SERVICES["postgres"]["volumes"] if "initdb.d" in volume]
    psql = str(Path(postgres._binary("postgres")).with_name("psql"))
    for source, _, _ in sorted(mounts, key=lambda mount: mount[1]):
        command = [psql, "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-h", str(layout.run), "-U", "postgres"]
        subprocess.run(
            [*command, "-d", "oyl", "-f", str(ROOT / source)],
            env={**os.environ, **environment("postgres")},
            check=True,
            capture_output=True,
        )


def test_init_scripts_create_roles_and_repair_them(server):
    passwords = environment("postgres")
    run_init_scripts(server)
    with psycopg.connect(host=str(server.run), user="postgres", dbname="oyl", autocommit=True) as connection:
        connection.execute("ALTER ROLE oyl_app SUPERUSER")
        run_init_scripts(server)
        roles = connection.execute(
            "SELECT rolname, rolcanlogin, rolcreatedb, rolsuper, rolbypassrls, rolcreaterole,"
            " rolpassword IS NOT NULL FROM pg_authid WHERE rolname LIKE 'oyl%' ORDER BY rolname"
        ).fetchall()
        assert roles == [
            ("oyl_app", True, False, False, False, False, True),
            ("oyl_lookup", False, False, False, False, False, False),
            ("oyl_owner", True, True, False, False, False, True),
        ]
        (owner,) = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'oyl'"
        ).fetchone() or ("",)
        assert owner == "oyl_owner"
    with (
        psycopg.connect(
            host=str(server.run), user="oyl_app", password=passwords["OYL_APP_PASSWORD"], dbname="oyl"
        ) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (id int)")
    owner = {"user": "oyl_owner", "password": passwords["OYL_OWNER_PASSWORD"]}
    with psycopg.connect(host=str(server.run), **owner, dbname="oyl") as connection:
        connection.execute("SET ROLE oyl_lookup")
