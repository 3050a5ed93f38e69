"""A scenario in which every kind of secret is created and used in a tenant, through the admin and the services."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from tenants.models import ApiKey, Invitation, Tenant, User
from tenants.passwords import hash_like_stored
from tests.conftest import PASSWORD, Person, browser, make_operator, make_owner
from tests.knowledge.libraries import BEES, Library, make_library
from tests.proof.secrets.canaries import Canaries
from tests.support.admin_pages import url
from tests.support.admin_rows import Rows, make_rows
from workspaces.models import IntegrationConfig, IntegrationType

LOGIN = reverse("admin:login")

URL = "https://example.org/v1"
# What a configuration needs besides its secret.
CONFIGS = {
    IntegrationType.CHAT_MODEL: {"url": URL, "model": "large"},
    IntegrationType.EMBEDDING: {"url": URL, "model": "small"},
    IntegrationType.S3: {"bucket": "reports", "access_key_id": "me"},
    IntegrationType.AZURE_BLOB: {"account_name": "exampleorg", "container": "reports"},
    IntegrationType.GCS: {"bucket": "reports"},
    IntegrationType.WEBDAV: {"url": URL, "username": "me"},
    IntegrationType.SFTP: {"host": "files.example.org", "username": "me"},
    IntegrationType.GIT: {"url": URL},
    IntegrationType.IMAP: {"host": "imap.example.org", "username": "me"},
    IntegrationType.SMTP: {"host": "smtp.example.org", "username": "me", "sender": "me@example.org"},
    IntegrationType.DATABASE: {
        "engine": "mysql",
        "host": "db.example.org",
        "database": "sales",
        "username": "me",
    },
    IntegrationType.WEBHOOK: {"url": URL},
}
# The addresses of rooms are their secrets.
ROOMS = (IntegrationType.SLACK_WEBHOOK, IntegrationType.TEAMS_WEBHOOK)
SECRET_FIELDS = {
    IntegrationType.CHAT_MODEL: "api_key",
    IntegrationType.EMBEDDING: "api_key",
    IntegrationType.S3: "secret_access_key",
    IntegrationType.AZURE_BLOB: "account_key",
    IntegrationType.GCS: "service_account",
    IntegrationType.WEBHOOK: "token",
    **dict.fromkeys(ROOMS, "url"),
}


@dataclass(slots=True, kw_only=True)
class Scenario:
    """`shown_once` are the pages that show a new secret to its user, `statements` what others saw of the database's work."""

    person: Person
    operator: User
    rows: Rows
    library: Library
    canaries: Canaries = field(default_factory=Canaries)
    shown_once: list[bytes] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    def run(self) -> None:
        self._add_keys()
        self._sign_in()
        self._create_users()
        self._create_secrets()
        self.library.add("bees.md", BEES)
        self.library.find("bees")

    def _add_keys(self) -> None:
        self.canaries.add("SECRET_KEY", settings.SECRET_KEY)
        self.canaries.add("OYL_AUDIT_KEY", settings.OYL_AUDIT_KEY)
        for entry in settings.OYL_ENCRYPTION_KEYS.split(","):
            self.canaries.add("a key of OYL_ENCRYPTION_KEYS", entry.partition(":")[2].rstrip("="))
        if password := connections["default"].settings_dict["PASSWORD"]:
            self.canaries.add("the database's password", password)

    def _sign_in(self) -> None:
        right = self.canaries.add("the owner's password", self.person.password)
        wrong = self.canaries.new("a mistyped password")
        form = {"username": self.person.user.email}
        assert Client().post(LOGIN, {**form, "password": wrong}).status_code == 200
        client = Client()
        assert client.post(LOGIN, {**form, "password": right}).status_code == 302
        self.canaries.add("a session's key", client.cookies["sessionid"].value)
        self._change_password(client)

    def _change_password(self, client: Client) -> None:
        """To one of the same text: other parts of the scenario use it."""
        present = hash_like_stored(self.person.user.pk, self.person.password)
        self.canaries.add("what is derived from the present password", present.rpartition("$")[2])
        form = {
            "old_password": self.person.password,
            **dict.fromkeys(("new_password1", "new_password2"), PASSWORD),
        }
        assert client.post(reverse("admin:password_change"), form).status_code == 302
        self.canaries.add("a new session's key", client.cookies["sessionid"].value)
        self.person.user.refresh_from_db()

    def _create_users(self) -> None:
        client, key = self.person.client, self.person.tenant_id.hex
        invited = f"invited-{key}@example.org"
        self._record_shown(
            "an invitation's link",
            client.post(url(Invitation, "add"), {"email": invited, "role": "editor"}, follow=True),
        )
        self._record_shown(
            "an API key",
            client.post(url(ApiKey, "add"), {"name": "Harness", "scopes": ["knowledge:write"]}, follow=True),
        )
        operator = browser(self.operator)
        made = operator.post(
            url(User, "add"), {"email": f"made-{key}@example.org", "name": "Made"}, follow=True
        )
        self._record_shown("a link to a user's first password", made)
        reset = {
            "action": "reset_password",
            "_selected_action": [User.objects.get(email=f"made-{key}@example.org").pk],
        }
        self._record_shown(
            "a link to a new password", operator.post(url(User, "changelist"), reset, follow=True)
        )

    def _record_shown(self, what: str, page: Any) -> None:
        self.canaries.add(what, page.context["secret"].text)
        self.shown_once.append(page.content)

    def _create_secrets(self) -> None:
        client, workspace = self.person.client, self.workspace_id
        for kind in IntegrationType:
            form = {"workspace": workspace, "name": f"Config {kind}", "type_enum": kind}
            value = self._config(kind, f"the key of a {kind}")
            done = client.post(url(IntegrationConfig, "add"), {**form, "config_encrypted_json": value})
            assert done.status_code == 302
            wrong = f'{{"password": "{self.canaries.new(f"a mistyped key of a {kind}")}"'
            again = client.post(url(IntegrationConfig, "add"), {**form, "config_encrypted_json": wrong})
            assert again.status_code == 200
            self._change_secret_and_name(client, form)
        metadata = json.dumps({"licence": self.canaries.new("a tenant's metadata")})
        name = self.rows[Tenant].name
        tenant = url(Tenant, "change", self.person.tenant_id)
        assert client.post(tenant, {"name": name, "metadata": metadata}).status_code == 302

    def _config(self, kind: IntegrationType, what: str) -> str:
        value = self.canaries.new(what)
        secret = {SECRET_FIELDS.get(kind, "password"): f"{URL}/{value}" if kind in ROOMS else value}
        return json.dumps({**CONFIGS.get(kind, {}), **secret})

    def _change_secret_and_name(self, client: Client, form: dict[str, Any]) -> None:
        """Replace the secret, and then the name."""
        with tenant_scope(self.person.tenant_id):
            pk = IntegrationConfig.objects.get(name=form["name"]).pk
        kind = form["type_enum"]
        second = self._config(kind, f"the second key of a {kind}")
        for change in ({"config_encrypted_json": second}, {"name": f"{form['name']}, renamed"}):
            page = url(IntegrationConfig, "change", pk)
            fields = client.get(page).context["adminform"].form
            shown = {name: fields[name].value() or "" for name in fields.fields if name.startswith("config-")}
            assert (
                client.post(page, {**shown, "config_encrypted_json": "", **form, **change}).status_code == 302
            )

    @property
    def workspace_id(self) -> Any:
        return next(row.pk for model, row in self.rows.items() if model._meta.db_table == "workspaces")

    def readable_secrets(self) -> set[str]:
        """Return the descriptions of the secrets that can be decrypted from their fields."""
        with tenant_scope(self.person.tenant_id):
            configs = [row.config_encrypted_json.decrypt() for row in IntegrationConfig.objects.all()]
            metadata = Tenant.objects.get().metadata_encrypted.decrypt()
        return self.canaries.found_in(json.dumps([configs, metadata]))


def make_scenario(folder: Path) -> Scenario:
    person = make_owner()
    operator = make_operator()
    return Scenario(
        person=person,
        operator=operator,
        rows=make_rows(person),
        library=make_library(person, folder / "files"),
    )


STATEMENT_VIEWS = """
SELECT DISTINCT format('SELECT %I FROM %I.%I', column_name, table_schema, table_name) FROM information_schema.columns
WHERE column_name IN ('query', 'statement') AND table_schema IN ('pg_catalog', 'public')
"""


@contextmanager
def watch_statements() -> Iterator[list[str]]:
    """Yield what another connection of the application reads meanwhile, again and again, in every view with statements."""
    seen, is_done = set[str](), threading.Event()
    lines: list[str] = []

    def watch() -> None:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT_VIEWS)
            looks = [look for (look,) in cursor.fetchall()]
            while not is_done.wait(0.005):
                for look in looks:
                    cursor.execute(look)
                    seen.update(str(text) for (text,) in cursor.fetchall())
        connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lines
    finally:
        is_done.set()
        thread.join()
        lines.extend(seen)


class LineHandler(logging.Handler):
    """Collects log lines, including tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def log_everything() -> Iterator[list[str]]:
    """Yield the lines that LOG_LEVEL=DEBUG logs, and every SQL statement with its values."""
    handler = LineHandler()
    handler.setFormatter(logging.Formatter("{levelname} {name}: {message}", style="{"))
    loggers = [logging.getLogger(name) for name in ("", "django.db.backends")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    connections["default"].force_debug_cursor = True
    try:
        yield handler.lines
    finally:
        connections["default"].force_debug_cursor = False
        loggers[0].removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
