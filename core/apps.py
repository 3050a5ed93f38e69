"""What an app announces in its AppConfig. Scopes, routes, schedules, the sidebar and the isolation check are made from the
AppConfigs of all apps, so that a new app is announced in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the API with its scopes for API keys: `<name>:read` and, where it is writable, `<name>:write`."""

    name: str
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A periodic Celery task; both times are in seconds. A run that has waited for longer than `expires` is dropped."""

    name: str
    task: str
    every: float
    expires: float
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A SECURITY DEFINER function, which works before a tenant is known, and the tenants' tables that it reads."""

    signature: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Privileges:
    """What the application's database role may do with a table; it may never truncate it, or the like. `update` names the
    columns; None stands for all."""

    select: bool = True
    insert: bool = True
    update: tuple[str, ...] | None = None
    delete: bool = True

    def include(self, privilege: str) -> bool:
        """Whether a privilege of `core.isolation.pg_catalog.Table` is one of these."""
        if column := re.fullmatch(r"UPDATE \((.+)\)", privilege):
            return self.update is None or column[1] in self.update
        return {"SELECT": self.select, "INSERT": self.insert, "DELETE": self.delete}.get(privilege, False)


CLOSED = Privileges(select=False, insert=False, update=(), delete=False)
READ_ONLY = Privileges(insert=False, update=(), delete=False)
APPEND_ONLY = Privileges(update=(), delete=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SidebarPage:
    """A page of the admin, below a heading of the sidebar: the list of a `model` ("app.model"), whose title is the plural of
    the model's name, or else the `view` of that name in the admin site, with a `title`, which is for members, or
    `for_operators`."""

    section: str
    icon: str
    model: str = ""
    view: str = ""
    title: str = ""
    for_operators: bool = False


class OylAppConfig(AppConfig):
    """`bound_kinds` has what an API key may be bound to, with the model ("app.Model") of each. `shared_tables` has the
    tables without a tenant, each with the reason. `privileges` has what the application's database role may do with a table
    where that is not everything; only the functions of `lookups` reach a closed one. Rows of `platform_tables` are visible
    only in a platform scope. `guards` has triggers that must be there ("table.trigger").

    Dotted names: `job_handlers` of `jobs.handlers.JobHandler`s, `routes` of a dict of the views below `/api/v1/`,
    `actions` of a dict of mixins with actions that are added to other apps' views (`conversations.api.ACTIONS`),
    `openai_urls` of a list of the URL patterns below `/v1/`, `usage` of a function from a `core.usage.Period` to the figures
    that are counted, `stored` of a function that returns what quotas count (`core.quota_upkeep.Stored`), `home` of a
    function from a request to the app's part of the admin's first page (`core.admin.home.Home`), `on_deletion` of a function
    that is called inside the transaction that deletes `instances`, with the `actor`, `on_events` of a function that is
    called inside the transaction that adds events to the audit log, with these, `on_sealed` of one that is called inside the
    transaction that seals events, in their order, with the seals."""

    default = False
    areas: tuple[Area, ...] = ()
    bound_kinds: Mapping[str, str] = {}
    lookups: tuple[Lookup, ...] = ()
    shared_tables: Mapping[str, str] = {}
    privileges: Mapping[str, Privileges] = {}
    platform_tables: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    job_handlers: tuple[str, ...] = ()
    sidebar: tuple[SidebarPage, ...] = ()
    routes = ""
    actions = ""
    openai_urls = ""
    usage = ""
    stored = ""
    home = ""
    on_deletion = ""
    on_events = ""
    on_sealed = ""

    def __init_subclass__(cls) -> None:
        """Django uses the AppConfig of an `apps` module that is the default; the imported base class is not one."""
        cls.default = True


def oyl_apps() -> Iterator[OylAppConfig]:
    """The project's own apps, in the order in which they are installed."""
    return (config for config in apps.get_app_configs() if isinstance(config, OylAppConfig))


class CoreConfig(OylAppConfig):
    name = "core"
    shared_tables = {
        "auth_group": "Django's permissions; OYL decides by roles in a tenant",
        "auth_group_permissions": "Django's permissions; OYL decides by roles in a tenant",
        "auth_permission": "Django's permissions; OYL decides by roles in a tenant",
        "django_admin_log": "Django's own log of the admin; ids only",
        "django_content_type": "names of models",
        "django_migrations": "names of migrations",
        "django_session": "ids only, before a tenant is known",
    }
    privileges = {
        "auth_group": READ_ONLY,
        "auth_group_permissions": READ_ONLY,
        "auth_permission": READ_ONLY,
        "django_admin_log": READ_ONLY,
        "django_content_type": READ_ONLY,
        "django_migrations": READ_ONLY,
        "django_session": CLOSED,
    }
    lookups = (
        Lookup("oyl_tenants()", ("tenants",)),
        Lookup("oyl_session(text)"),
        Lookup("oyl_session_exists(text)"),
        Lookup(
            "oyl_save_session(text,text,timestamp with time zone,boolean,uuid,text,text,text,timestamp with time zone)"
        ),
        Lookup("oyl_sessions_of(uuid,text)"),
        Lookup("oyl_end_session(uuid,text)"),
        Lookup("oyl_delete_session(text)"),
        Lookup("oyl_delete_expired_sessions()"),
    )
    schedules = (
        Schedule(
            name="delete-expired-sessions",
            task="core.tasks.delete_expired_sessions",
            every=3600.0,
            expires=600.0,
        ),
        Schedule(
            name="purge-idempotency-keys",
            task="core.tasks.purge_idempotency_keys",
            every=3600.0,
            expires=600.0,
        ),
        Schedule(name="delete-ended-rows", task="core.tasks.delete_ended_rows", every=3600.0, expires=600.0),
        Schedule(name="add-up-quotas", task="core.tasks.add_up_quotas", every=60.0, expires=60.0),
        Schedule(name="correct-quotas", task="core.tasks.correct_quotas", every=86_400.0, expires=3600.0),
    )
    usage = "core.quota_figures.figures"

    def ready(self) -> None:
        from core.encryption.keyring import ciphers

        if "OYL_ENCRYPTION_KEYS" not in settings.OYL_WITHOUT_KEYS:
            ciphers()  # raises now for a bad setting, and not when the first secret is read
