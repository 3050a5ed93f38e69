"""The tenant scope: one transaction in one tenant. Without it, the ORM raises an error, and SQL finds no rows."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from audit.models import AuditLog
from core.errors import NestedTenantScopeError, NoTenantScopeError, UnsafeRoleError
from core.isolation.scope import refuse_unsafe_role, tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.models import TenantModel, new_id
from tenants.access import tenants_of_user
from tenants.models import Membership, Tenant
from tests.proof.isolation.parties import make_row
from workspaces.models import DataSource, Workspace

MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]


def add_workspace(tenant, name="Main"):
    with tenant_scope(tenant):
        return Workspace.objects.create(name=name)


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_scope_shows_only_its_tenants_rows(tenant, stranger):
    mine, theirs = add_workspace(tenant), add_workspace(stranger.tenant_id)
    with tenant_scope(tenant):
        assert list(Workspace.objects.all()) == [mine]
        assert sql("SELECT id FROM workspaces") == [(mine.pk,)]
        assert not Workspace.objects.filter(pk=theirs.pk).exists()
    with tenant_scope(stranger.tenant_id):
        assert list(Workspace.objects.all()) == [theirs]


def test_scope_shows_only_its_own_tenant(tenant, stranger):
    with tenant_scope(tenant):
        assert [each.pk for each in Tenant.objects.all()] == [tenant]
        assert Tenant.objects.filter(pk=stranger.tenant_id).update(name="Mine now") == 0


def test_foreign_row_cannot_be_changed_or_deleted(tenant, stranger):
    theirs = add_workspace(stranger.tenant_id)
    with tenant_scope(tenant):
        assert sql("UPDATE workspaces SET name = 'x' WHERE id = %s", theirs.pk) == 0
        assert sql("DELETE FROM workspaces WHERE id = %s", theirs.pk) == 0
    with tenant_scope(stranger.tenant_id):
        assert Workspace.objects.get().name == "Main"


def test_orm_without_a_scope_raises(tenant):
    for use in (
        lambda: list(Workspace.objects.all()),
        Workspace.objects.count,
        lambda: Workspace.with_deleted.filter(name="x").exists(),
        lambda: Workspace.objects.update(name="x"),
        lambda: Workspace(name="x"),
        lambda: Membership.objects.all().delete(),
        AuditLog.objects.first,
    ):
        with pytest.raises(NoTenantScopeError, match="with tenant_scope"):
            use()


def test_sql_without_a_scope_finds_and_changes_nothing(tenant):
    add_workspace(tenant)
    assert sql("SELECT * FROM workspaces") == []
    assert sql("UPDATE workspaces SET name = 'x'") == 0
    assert sql("DELETE FROM workspaces") == 0
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(tenant, new_id())


def insert(tenant, workspace):
    sql(
        "INSERT INTO workspaces (id, tenant_id, name, description, created_at, updated_at) "
        "VALUES (%s, %s, 'x', '', now(), now())",
        workspace,
        tenant,
    )


def test_empty_variable_shows_nothing_and_an_invalid_one_raises(tenant):
    add_workspace(tenant)
    set_tenant = "SELECT set_config('app.current_tenant_id', %s, true)"
    with transaction.atomic():
        sql(set_tenant, "")
        assert sql("SELECT * FROM workspaces") == []
    with pytest.raises(DatabaseError, match="invalid input syntax for type uuid"), transaction.atomic():
        sql(set_tenant, "garbage")
        sql("SELECT * FROM workspaces")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_tenant_table_shows_no_row_without_a_scope(model, owner):
    table = connection.ops.quote_name(model._meta.db_table)
    with tenant_scope(owner.tenant_id):
        if not model._base_manager.exists():
            own: dict[Any, Any] = {Membership: Membership.objects.get(user=owner.user)}
            make_row(model, owner.user, f"z{uuid4().hex[:8]}", own)
        assert sql(f"SELECT count(*) FROM {table}") != [(0,)]
    assert sql(f"SELECT * FROM {table}") == []
    with pytest.raises(NoTenantScopeError):
        model._base_manager.exists()


def test_policy_refuses_another_tenants_row(tenant, stranger):
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(tenant):
        insert(stranger.tenant_id, new_id())
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(tenant):
        Workspace.objects.create(name="x", tenant_id=stranger.tenant_id)
    mine = add_workspace(tenant)
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(tenant):
        sql("UPDATE workspaces SET tenant_id = %s WHERE id = %s", stranger.tenant_id, mine.pk)


def test_foreign_key_refuses_another_tenants_parent(tenant, stranger):
    theirs = add_workspace(stranger.tenant_id)
    with pytest.raises(IntegrityError, match="data_sources_workspace_same_tenant"), tenant_scope(tenant):
        DataSource.objects.create(name="x", workspace_id=theirs.pk)


def test_nested_scope_of_the_same_tenant_is_a_savepoint(tenant):
    with tenant_scope(tenant):
        Workspace.objects.create(name="kept")
        with pytest.raises(ZeroDivisionError), tenant_scope(tenant):
            Workspace.objects.create(name="rolled back")
            raise ZeroDivisionError
        assert [each.name for each in Workspace.objects.all()] == ["kept"]


def test_nested_scope_of_another_tenant_is_refused(tenant, stranger):
    with tenant_scope(tenant):
        with pytest.raises(NestedTenantScopeError), tenant_scope(stranger.tenant_id):
            pass
        assert Workspace.objects.count() == 0


def test_scope_inside_another_transaction_is_refused(tenant):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"), tenant_scope(tenant):
        pass


def test_exception_rolls_back_and_ends_the_scope(tenant):
    with pytest.raises(ZeroDivisionError), tenant_scope(tenant):
        Workspace.objects.create(name="x")
        raise ZeroDivisionError
    with pytest.raises(NoTenantScopeError):
        Workspace.objects.count()
    assert sql("SELECT current_setting('app.current_tenant_id', true)") in ([("",)], [(None,)])
    with tenant_scope(tenant):
        assert Workspace.objects.count() == 0


def test_queryset_is_evaluated_in_the_current_scope(tenant, stranger):
    add_workspace(tenant)
    with tenant_scope(tenant):
        late = Workspace.objects.all()
    with pytest.raises(NoTenantScopeError):
        list(late)
    with tenant_scope(stranger.tenant_id):
        assert list(late) == []


def test_threads_have_separate_scopes(tenant, stranger):
    seen, failures = {}, []
    both_inside = threading.Barrier(2, timeout=10)

    def work(tenant_id):
        try:
            with tenant_scope(tenant_id):
                both_inside.wait()
                seen[tenant_id] = [each.name for each in Workspace.objects.all()]
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    for tenant_id in (tenant, stranger.tenant_id):
        add_workspace(tenant_id, f"of {tenant_id}")
    threads = [threading.Thread(target=work, args=[each]) for each in (tenant, stranger.tenant_id)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == {each: [f"of {each}"] for each in (tenant, stranger.tenant_id)}


def test_thread_does_not_inherit_a_scope(tenant):
    caught = []

    def work():
        try:
            Workspace.objects.count()
        except NoTenantScopeError as error:
            caught.append(error)

    with tenant_scope(tenant):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(caught) == 1


def test_lookups_return_tenants_and_roles(owner, stranger):
    assert {owner.tenant_id, stranger.tenant_id} <= all_tenants().keys()
    [access] = tenants_of_user(owner.user.pk)
    assert (access.tenant_id, access.role) == (owner.tenant_id, "owner")


@pytest.fixture
def as_owner(database, monkeypatch):
    """The application's connection, signed in as the tables' owner."""
    refuse_unsafe_role.cache_clear()
    monkeypatch.setattr("core.isolation.scope.connection", connections["owner"])
    yield
    refuse_unsafe_role.cache_clear()


def test_an_unsafe_role_is_refused(as_owner):
    with pytest.raises(UnsafeRoleError, match=r"'oyl_owner' owns tables.*name the role 'oyl_app'"):
        refuse_unsafe_role()


def test_suite_connects_as_the_applications_role(database):
    assert sql("SELECT current_user") == [("oyl_app",)]
    assert MODELS
