"""`core.bulk_sql` writes many rows in one statement, as the ORM would."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.bulk_sql import insert_instances, insert_rows, update_rows
from core.isolation.scope import tenant_scope
from core.models import new_id
from tests.conftest import Person
from workspaces.models import Workspace

SPECIAL_CHARACTERS = "'; %s \\ \" {}\n\t\u2028 東京 🚀"


def rows(*names: str) -> list[dict[str, object]]:
    now = timezone.now()
    return [
        {"id": new_id(), "name": name, "description": SPECIAL_CHARACTERS, "updated_at": now} for name in names
    ]


def test_insert_rows_writes_what_the_orm_would(tenant: UUID):
    with tenant_scope(tenant), CaptureQueriesContext(connection) as queries:
        insert_rows(Workspace, rows("One", "Two", "Three"))
        insert_rows(Workspace, [])
        assert len(queries) == 1
        made = Workspace.objects.order_by("name")
        assert [one.name for one in made] == ["One", "Three", "Two"]
        assert {(one.tenant_id, one.description, one.deleted_at) for one in made} == {
            (tenant, SPECIAL_CHARACTERS, None)
        }
        assert all(one.created_at for one in made)


def test_insert_instances_writes_what_the_orm_would(tenant: UUID):
    with tenant_scope(tenant), CaptureQueriesContext(connection) as queries:
        made = [Workspace(name=name, description=SPECIAL_CHARACTERS) for name in ("One", "Two")]
        insert_instances(made)
        insert_instances([])
        assert len(queries) == 1
        assert {*Workspace.objects.all()} == {*made}
        assert {(one.tenant_id, one.description) for one in Workspace.objects.all()} == {
            (tenant, SPECIAL_CHARACTERS)
        }
        assert all(one.created_at and one.updated_at for one in Workspace.objects.all())


def test_insert_instances_refuses_another_tenant(tenant: UUID, stranger: Person):
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(tenant):
        insert_instances([Workspace(name="Theirs", tenant_id=stranger.tenant_id)])


def test_update_rows_writes_each_rows_own_values(tenant: UUID):
    with tenant_scope(tenant), CaptureQueriesContext(connection) as queries:
        made = rows("One", "Two", "Three")
        insert_rows(Workspace, made)
        update_rows(Workspace, [{"id": one["id"], "name": f"{one['name']}!"} for one in made[:2]])
        update_rows(Workspace, [])
        assert len(queries) == 2
        changed = {one.name: one.updated_at != made[0]["updated_at"] for one in Workspace.objects.all()}
        assert changed == {"One!": True, "Two!": True, "Three": False}


def test_update_rows_leaves_another_tenants_rows(tenant: UUID, stranger: Person):
    foreign = rows("Theirs")
    with tenant_scope(stranger.tenant_id):
        insert_rows(Workspace, foreign)
    with tenant_scope(tenant):
        update_rows(Workspace, [{"id": foreign[0]["id"], "name": "Mine"}])
    with tenant_scope(stranger.tenant_id):
        assert Workspace.objects.get().name == "Theirs"


def test_insert_rows_raises_integrity_errors(tenant: UUID):
    with pytest.raises(IntegrityError), tenant_scope(tenant):
        insert_rows(Workspace, rows("Twice", "Twice"))
