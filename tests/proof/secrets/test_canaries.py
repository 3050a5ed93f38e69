"""Secrets are only in their encrypted fields: not in rows, pages, reports, output, processes or logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError
from django.core.signals import got_request_exception
from django.db import ProgrammingError, connection, connections
from django.test import Client, override_settings
from django.views.debug import ExceptionReporter
from redis import Redis

from benchmarks.reports import Row
from core.isolation.scope import VARIABLE
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tenants.models import Tenant
from tenants.services import api_keys
from tests.contracts.settings_source import variables
from tests.proof.conftest import Size
from tests.proof.secrets.canaries import SECRET_NAMES
from tests.proof.secrets.scenario import LOGIN, Scenario, log_everything, make_scenario, watch_statements
from tests.support.admin_pages import url
from workspaces.models import IntegrationConfig

SWITCHES = {"OYL_PASSWORD_SIGN_IN"}
SECRET_SETTINGS = sorted(set(filter(SECRET_NAMES.search, variables())) - SWITCHES)
# The arguments of each command; None if it starts other programs, or shows a secret once.
COMMANDS: dict[str, list[str] | None] = {
    "add_example_workflow": ["weekly-digest", "--tenant", "{tenant}", "--workspace", "W"],
    "ask": ["--tenant", "{tenant}", "Guide", "Who makes honey?"],
    "cancel_run": ["--tenant", "{tenant}", "00000000-0000-0000-0000-000000000000"],
    "changepassword": None,
    "check_rls": [],
    "create_api_key": None,
    "create_assistant": ["--tenant", "{tenant}", "--workspace", "W", "Guide"],
    "create_operator": None,
    "create_tenant": None,
    "createsuperuser": None,
    "import_data": ["--tenant", "{tenant}", "{folder}/missing.csv", "--workspace", "W", "--name", "N"],
    "query": ["--tenant", "{tenant}", "SELECT 1 AS one"],
    "reembed": ["--tenant", "{tenant}", "R"],
    "reread": ["--tenant", "{tenant}"],
    "delete_document": ["--tenant", "{tenant}", "{document}"],
    "demo": None,
    "doctor": [],
    "evaluate": None,
    "invite": None,
    "ingest": ["--tenant", "{tenant}", "--workspace", "W", "--reference", "R", "{folder}"],
    "list_documents": ["--tenant", "{tenant}"],
    "list_runs": ["--tenant", "{tenant}"],
    "list_tenants": [],
    "migrate": ["--plan"],
    "reconcile": ["--tenant", "{tenant}"],
    "rotate_keys": ["--tenant", "{tenant}"],
    "route": ["Team", "bees", "--tenant", "{tenant}"],
    "run_workflow": ["--tenant", "{tenant}", "Workflow"],
    "search": ["--tenant", "{tenant}", "bees", "--rerank"],
    "services": ["status"],
    "set_quota": ["--tenant", "{tenant}", "documents", "1000"],
    "sync": ["--tenant", "{tenant}", "Zebra site"],
    "up": None,
    "verify_audit": ["--tenant", "{tenant}"],
    "version": [],
}


@pytest.fixture(scope="module")
def logged() -> Iterator[list[str]]:
    with log_everything() as lines:
        yield lines


@pytest.fixture(scope="module")
def scenario(database: None, logged: list[str], tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    made = make_scenario(tmp_path_factory.mktemp("play"))
    with watch_statements() as made.statements:
        made.run()
    return made


def test_secrets_are_stored_and_detectable(scenario: Scenario):
    assert {
        f"the second key of a {kind}" for kind in ("chat_model", "smtp", "slack_webhook")
    } <= scenario.readable_secrets()
    assert "a tenant's metadata" in scenario.readable_secrets()
    assert len(scenario.shown_once) == 4 and all(
        scenario.canaries.found_in(page) for page in scenario.shown_once
    )


def test_rows_of_the_tenant_have_no_secret(scenario: Scenario, measured: list[Row]):
    rows = _rows(scenario.person.tenant_id)
    sessions = [json.dumps(session.get_decoded()) for session in Session.objects.using("owner")]
    assert any("Zebra model" in row for row in rows) and sessions
    assert scenario.canaries.found_in(*rows, *sessions) == set()
    measured += [
        {
            "What": "secrets in rows of all tables, decoded sessions included",
            "Measured": f"0 of {len(scenario.canaries.values)} in {len(rows):,} rows",
            "Target": "0",
        }
    ]


def _rows(tenant_id: UUID) -> list[str]:
    """Every row that the tables' owner reads for the tenant, of every table."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT set_config(%s, %s, false)", [VARIABLE, str(tenant_id)])
        rows: list[str] = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
        cursor.execute(f"RESET {VARIABLE}")
    return rows


def test_other_connections_read_no_statement_with_a_secret(scenario: Scenario):
    """Of the connections' own role: PostgreSQL shows those of other roles to superusers only."""
    assert scenario.statements and scenario.canaries.found_in(*scenario.statements) == set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND query <> ''")
        assert cursor.fetchone() == (0,)
        with pytest.raises(ProgrammingError, match="permission denied to set parameter"):
            cursor.execute("SET track_activities = on")
        with pytest.raises(ProgrammingError, match="permission denied to set parameter"):
            cursor.execute("ALTER ROLE oyl_app RESET track_activities")


def test_redis_contains_no_secret(scenario: Scenario):
    with Redis.from_url(settings.REDIS_URL) as client:
        keys = list(client.scan_iter())
        values = [_value(client, key) for key in keys]
    assert values, "a task has been sent"
    assert scenario.canaries.found_in(*keys, *values) == set()


def _value(client: Any, key: bytes) -> bytes:
    readers = {
        b"string": client.get,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"hash": client.hgetall,
        b"zset": lambda name: client.zrange(name, 0, -1),
        b"none": lambda name: None,  # it has expired since the scan, as counters of requests do
    }
    return repr(readers[client.type(key)](key)).encode()


def test_pages_contain_no_secret(scenario: Scenario, measured: list[Row]):
    client, pages = scenario.person.client, []
    for model in admin.site._registry:
        paths = [url(model, "changelist"), url(model, "add")]
        if model in scenario.rows:
            paths += [url(model, page, scenario.rows[model].pk) for page in ("change", "history", "delete")]
        pages += [client.get(path) for path in paths]
    pages += [client.get(path) for path in ("/admin/", "/api/v1/documents/", "/readyz", "/healthz")]
    assert sum(page.status_code == 200 for page in pages) > 60
    assert scenario.canaries.found_in(*(page.content for page in pages)) == set()
    assert scenario.canaries.found_in(*(str(page.headers) for page in pages)) == set()
    measured += [
        {"What": "secrets in pages and API answers", "Measured": f"0 in {len(pages)}", "Target": "0"},
    ]


def test_error_reports_contain_no_secret(scenario: Scenario, measured: list[Row]):
    """Django's reporter renders each error that is forced while secrets are in variables and in all settings."""
    reports: list[str] = []

    def report(request: Any = None, **_: Any) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.extend((reporter.get_traceback_html(), reporter.get_traceback_text()))

    got_request_exception.connect(report)
    try:
        with override_settings(**_settings(scenario)):
            _force_errors(scenario, report)
    finally:
        got_request_exception.disconnect(report)
    assert len(reports) == 2 * 5 and all("Traceback" in text for text in reports)
    assert scenario.canaries.found_in(*reports) == set()
    measured += [
        {
            "What": "secrets in reports of errors, with POST fields, variables and settings",
            "Measured": f"0 in {len(reports)}",
            "Target": "0",
        }
    ]


def _settings(scenario: Scenario) -> dict[str, Any]:
    """Return secret values for the settings that are secret, or are addresses with a password. The keys in use are not
    replaced."""
    own = {"SECRET_KEY", "OYL_AUDIT_KEY", "OYL_ENCRYPTION_KEYS"}
    given = {name: _address(scenario, name) for name in SECRET_SETTINGS if name not in own}
    return {**given, "CELERY_BROKER_URL": given["REDIS_URL"]}


def _address(scenario: Scenario, name: str) -> str:
    """Return a secret value; for addresses, one where no server listens."""
    canary = scenario.canaries.new(name)
    scheme = {"DATABASE_URL": "postgresql", "DATABASE_OWNER_URL": "postgresql", "REDIS_URL": "redis"}.get(
        name, "http"
    )
    return f"{scheme}://oyl_app:{canary}@127.0.0.1:1/0" if name.endswith("_URL") else canary


def _force_errors(scenario: Scenario, report: Any) -> None:
    client = scenario.person.client
    client.raise_request_exception = False
    secret = json.dumps(scenario.canaries.new("a secret that could not be stored"))
    with override_settings(OYL_ENCRYPTION_KEYS="nonsense"):
        form = {
            "workspace": scenario.workspace_id,
            "name": "x",
            "type_enum": "webhook",
            "config_encrypted_json": secret,
        }
        assert client.post(url(IntegrationConfig, "add"), form).status_code == 500
        tenant = {"name": "x", "metadata": secret}
        assert client.post(url(Tenant, "change", scenario.person.tenant_id), tenant).status_code == 500
    with override_settings(PASSWORD_HASHERS=["nowhere.Hasher"]):
        visitor = Client(raise_request_exception=False)
        form = {"username": scenario.person.user.email, "password": scenario.person.password}
        assert visitor.post(LOGIN, form).status_code == 500
    for call in (
        lambda: api_keys.create_api_key(
            actor=scenario.person.actor, name="x" * 300, scopes=["knowledge:read"]
        ),
        lambda: IntegrationConfig(config_encrypted_json={scenario.canaries.values["an API key"]: object()}),
    ):
        try:
            call()
        except Exception:
            report()


def test_every_command_is_listed():
    own = {Path(app.__path__[0]).name for app in map(__import__, _own_apps())}
    assert {name for name, app in get_commands().items() if app in own} == COMMANDS.keys()


def _own_apps() -> list[str]:
    return [name for name in settings.INSTALLED_APPS if (settings.BASE_DIR / name / "__init__.py").exists()]


@pytest.mark.parametrize("name", [name for name, arguments in COMMANDS.items() if arguments is not None])
def test_command_prints_no_secret(name: str, scenario: Scenario):
    document = next(iter(scenario.library.documents().values()), None)
    facts = {
        "tenant": str(scenario.person.tenant_id),
        "folder": str(scenario.library.folder),
        "document": str(document and document.pk),
    }
    arguments = [argument.format(**facts) for argument in COMMANDS[name] or []]
    stdout, stderr = StringIO(), StringIO()
    try:
        call_command(name, *arguments, stdout=stdout, stderr=stderr)
    except (CommandError, SystemExit) as error:
        stderr.write(str(error))
    assert stdout.getvalue() + stderr.getvalue()
    assert scenario.canaries.found_in(stdout.getvalue(), stderr.getvalue()) == set()


def test_command_prints_no_secret_if_no_server_answers(scenario: Scenario, size: Size, tmp_path: Path):
    """Every secret setting is set, and no server listens at the addresses."""
    environment = {name: _address(scenario, name) for name in SECRET_SETTINGS}
    key = scenario.canaries.add("a key of a server", "A" * 20 + "b" * 23)
    environment |= {"OYL_ENCRYPTION_KEYS": f"k1:{key}=", "ALLOWED_HOSTS": "x", "OYL_DATA_DIR": str(tmp_path)}
    for command in ("list_tenants", "doctor", "check_rls", "check")[: size(1, 4)]:
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            env={**os.environ, **environment, "LOG_LEVEL": "DEBUG"},
            cwd=settings.BASE_DIR,
            capture_output=True,
            check=False,
        )
        assert b"refused" in done.stdout + done.stderr or command == "check", done.stderr.decode()
        assert scenario.canaries.found_in(done.stdout, done.stderr) == set()


def test_processes_get_no_secret(scenario: Scenario, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """All users of the machine can read arguments; an attacker who controls a parser can read its environment."""
    for name in SECRET_SETTINGS:
        monkeypatch.setenv(name, scenario.canaries.new(f"{name} in the environment"))
    (tmp_path / "1").write_text("Hello.")
    parser = PooledParser(parser_config())
    try:
        parser.parse(scenario.person.tenant_id, tmp_path / "1", filename="hello.txt", workdir=tmp_path)
        children = psutil.Process().children(recursive=True)
        others = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
        arguments = [" ".join(each.cmdline()) for each in others]
        parsers = [each for each in others if "engines.parsing.child_process" in each.cmdline()]
        environments = [Path(f"/proc/{each.pid}/environ").read_bytes() for each in parsers]
    finally:
        parser.close()
    assert environments and all(b"PATH=" in each for each in environments)
    assert scenario.canaries.found_in(*environments, *arguments) == set()


def test_logs_contain_no_secret(scenario: Scenario, logged: list[str], measured: list[Row]):
    """It runs last, so that the lines of the other tests are searched, too."""
    files = [path.read_bytes() for path in settings.LAYOUT.logs.glob("*")]
    assert any("INSERT INTO" in line for line in logged)
    assert scenario.canaries.found_in(*logged, *files) == set()
    measured += [
        {
            "What": "secrets in all logs at DEBUG, SQL with its values included",
            "Measured": f"0 in {len(logged):,} lines",
            "Target": "0",
        }
    ]
