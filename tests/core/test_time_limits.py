"""PostgreSQL stops statements that take too long; users are told so, and nothing is changed."""

from __future__ import annotations

import time
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Func, Value

from core.api.problems import BUSY_SECONDS
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, REQUEST, TimeLimits, time_limits, was_stopped
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from jobs.tasks import sweep_jobs
from knowledge.models import IngestionJob
from tests.conftest import Person
from tests.core.locks import locked
from tests.support.admin_pages import url
from tests.support.admin_rows import Rows
from tests.support.api_client import Caller, assert_problem
from workspaces.models import Workspace

SHORT = {
    "statement": TimeLimits(statement=0.2, lock=60, idle=60),
    "lock": TimeLimits(statement=60, lock=0.2, idle=60),
    "transaction": TimeLimits(statement=60, lock=60, idle=60, transaction=0.2),
}
by_limit = pytest.mark.parametrize("limits", SHORT.values(), ids=SHORT)


@by_limit
def test_stopped_request_of_the_api_is_a_503(limits: TimeLimits, caller: Caller, rows: Rows):
    workspace = rows[Workspace]
    with locked(workspace), time_limits(limits):
        response = caller("patch", f"workspaces/{workspace.pk}/", {"name": "Later"})
    assert_problem(response, 503, "took_too_long")
    assert response.get("Retry-After") == (str(BUSY_SECONDS) if limits is SHORT["lock"] else None)
    assert caller.get(f"workspaces/{workspace.pk}/").json()["name"] == "Zebra workspace"


@by_limit
def test_stopped_request_of_the_admin_is_a_503(limits: TimeLimits, owner: Person, rows: Rows):
    page = url(Workspace, "change", rows[Workspace].pk)
    with locked(rows[Workspace]), time_limits(limits):
        response = owner.client.post(page, {"name": "Later", "description": ""})
    assert response.status_code == 503
    assert "This took too long" in response.content.decode()
    assert "Zebra workspace" in owner.client.get(page).content.decode()


def test_transaction_of_many_short_statements_is_ended(tenant: UUID):
    limits = time_limits(TimeLimits(statement=60, lock=60, idle=60, transaction=0.3))
    with pytest.raises(DatabaseError) as ended, limits, tenant_scope(tenant):
        Workspace.objects.create(name="Never")
        for _ in range(20):
            Workspace.objects.annotate(slept=Func(Value(0.05), function="pg_sleep")).count()
            Workspace.objects.first()
            time.sleep(0.03)
    assert was_stopped(ended.value)
    with tenant_scope(tenant):
        assert Workspace.objects.count() == 0


def test_idle_transaction_is_ended(tenant: UUID):
    limits = time_limits(TimeLimits(statement=60, lock=60, idle=0.1))
    with pytest.raises(DatabaseError) as ended, limits, tenant_scope(tenant):
        time.sleep(0.3)
        Workspace.objects.count()
    assert was_stopped(ended.value)
    with tenant_scope(tenant):
        assert Workspace.objects.count() == 0


def limits_here(tenant: UUID) -> dict[str, str]:
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(REQUEST.settings)])
        return dict(cursor.fetchall())


def test_requests_have_short_limits_and_the_role_has_them_too(tenant: UUID):
    assert limits_here(tenant) == REQUEST.settings
    with connection.cursor() as cursor:
        for name, milliseconds in REQUEST.settings.items():
            cursor.execute("SELECT reset_val FROM pg_settings WHERE name = %s", [name])
            assert cursor.fetchone() == (milliseconds,)


def test_tasks_commands_and_their_threads_have_long_limits(tenant: UUID, monkeypatch: pytest.MonkeyPatch):
    seen = {}
    for place in ("jobs.tasks.tenants_with_due_jobs", "jobs.drain.work", "core.isolation.check.check"):
        monkeypatch.setattr(place, lambda *_, place=place: seen.update({place: limits_here(tenant)}) or [])
    sweep_jobs()
    work_in_process(handler_of(IngestionJob), tenant)
    call_command("check_rls", stdout=StringIO())
    assert list(seen.values()) == [BULK.settings] * 3
    assert limits_here(tenant) == REQUEST.settings
