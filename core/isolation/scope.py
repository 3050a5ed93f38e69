"""The tenant scope: one transaction in which one tenant's rows, and no others, can be seen and written.

PostgreSQL isolates the rows (`core.isolation.constraints`). This module sets the tenant for one transaction, and makes
every use of tenant data outside of a scope an error in Python; PostgreSQL would return no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.sql.compiler import SQLCompiler
from psycopg import OperationalError
from psycopg.pq import ExecStatus

from core.errors import NestedTenantScopeError, NoTenantScopeError, UnsafeRoleError
from core.isolation.time_limits import current_limits
from core.request_work import connection_slots

VARIABLE = "app.current_tenant_id"
PLATFORM_VARIABLE = "app.platform"
_tenant: ContextVar[UUID | None] = ContextVar("tenant", default=None)
_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Open a transaction that sees only this tenant's rows, with the time limits of the caller; an exception rolls it back.

    Inside a scope of the same tenant it is a savepoint. Raises NestedTenantScopeError inside another tenant's, and
    TooBusyError when requests of the tenant use all connections that they may.
    """
    outer = _tenant.get()
    if outer is not None and outer != tenant_id:
        raise NestedTenantScopeError
    with _turn_of_request(tenant_id), transaction.atomic(durable=outer is None):
        if outer is None:
            refuse_unsafe_role()
            _begin(tenant_id)
        token = _tenant.set(tenant_id)
        try:
            yield
        finally:
            _tenant.reset(token)


def _begin(tenant_id: UUID) -> None:
    """Send BEGIN, which psycopg would send by itself before the first statement, together with the tenant and the limits."""
    # The time of a transaction, which the role limits, too, starts anew only after it was switched off.
    restart = ("transaction_timeout", "0")
    # A UUID's digits and the limits' numbers have nothing to escape.
    values = [(VARIABLE, f"{tenant_id.int:032x}"), restart, *current_limits().settings.items()]
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in values)
    with connection.wrap_database_errors:
        result = connection.connection.pgconn.exec_(f"BEGIN; SELECT {calls}".encode())
        if result.status != ExecStatus.TUPLES_OK:
            raise OperationalError(result.error_message.decode(errors="replace"))


@contextmanager
def _turn_of_request(tenant_id: UUID) -> Iterator[None]:
    """Requests of one tenant take a part of the pool's connections. What a request does after its commit uses the connection
    that it has."""
    if _has_turn.get() or not current_limits().are_of_a_request:
        yield
        return
    with connection_slots().hold(tenant_id):
        token = _has_turn.set(True)
        try:
            yield
        finally:
            _has_turn.reset(token)


@contextmanager
def platform_scope() -> Iterator[None]:
    """Open a transaction that sees the rows that operators alone may see, and no tenant's. Raises NestedTenantScopeError
    inside a tenant's scope."""
    if _tenant.get() is not None:
        raise NestedTenantScopeError
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, 'on', true)", [PLATFORM_VARIABLE])
        yield


def current_tenant_id() -> UUID:
    """The scope's tenant. Raises NoTenantScopeError outside of one, and on a connection without a transaction
    (of another thread, for example), which would not be scoped."""
    tenant_id = _tenant.get()
    if tenant_id is None or not connection.in_atomic_block:
        raise NoTenantScopeError
    return tenant_id


def scope_name() -> str:
    """The scope's tenant, or "" outside of tenants."""
    return str(_tenant.get() or "")


class CurrentTenant(models.Expression):
    """The scope's tenant id as a query's parameter, looked up when the SQL is made."""

    output_field = models.UUIDField()

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        return "%s", [current_tenant_id()]


UNSAFE_ROLE = """
SELECT rolname, rolsuper, rolbypassrls, EXISTS (
    SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = 'public' AND pg_has_role(current_user, relowner, 'MEMBER')
) FROM pg_roles WHERE rolname = current_user
"""


@cache
def refuse_unsafe_role() -> None:
    """Raises UnsafeRoleError when the application's database role could bypass row-level security."""
    with connection.cursor() as cursor:
        cursor.execute(UNSAFE_ROLE)
        role, superuser, bypasses, owns = cursor.fetchone()
    reasons = [
        reason
        for reason, holds in (
            ("is a superuser", superuser),
            ("has BYPASSRLS", bypasses),
            ("owns tables, or is a member of a role that does", owns),
        )
        if holds
    ]
    if reasons:
        raise UnsafeRoleError(
            f"The database role '{role}' {' and '.join(reasons)}, so that tenants would not be isolated. "
            "Let DATABASE_URL name the role 'oyl_app' (docs/tenancy.md)."
        )
