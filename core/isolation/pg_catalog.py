"""PostgreSQL's catalogue of the schema `public`, as plain values for `core.isolation.check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table:
    """`kind`: r table, p partitioned, f foreign, v view, m materialized view. `grants` are the current role's privileges,
    UPDATE for each column: "UPDATE (name)"."""

    name: str
    kind: str
    rls: bool
    forced: bool
    invoker: bool
    tenant_column: bool
    tenant_required: bool
    grants: list[str]

    @property
    def is_view(self) -> bool:
        return self.kind in "vm"


@dataclass(frozen=True, slots=True)
class Policy:
    table: str
    name: str
    permissive: str
    roles: list[str]
    command: str
    using: str | None
    check: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    table: str
    columns: list[str]
    parent: str
    parent_columns: list[str]
    valid: bool


@dataclass(frozen=True, slots=True)
class DatabaseIndex:
    """`columns` are its plain columns, in order; partial indexes are left out."""

    table: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    owner: str
    settings: list[str]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One that is enabled; `name` is "table.trigger"."""

    name: str


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """`excess` has its privileges, beside those on tables, that the application does not need. `unset` names settings
    that its new sessions do not have as `deploy/roles.sql` sets them."""

    name: str
    superuser: bool
    bypasses: bool
    creates_roles: bool
    replicates: bool
    memberships: list[str]
    owns: list[str]
    excess: list[str]
    unset: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    role: DatabaseRole
    tables: list[Table]
    policies: list[Policy]
    foreign_keys: list[ForeignKey]
    indexes: list[DatabaseIndex]
    definers: list[Function]
    triggers: list[Trigger]


def read() -> Catalogue:
    return Catalogue(
        role=_fetch(DatabaseRole, ROLE)[0],
        tables=_fetch(Table, TABLES),
        policies=_fetch(Policy, POLICIES),
        foreign_keys=_fetch(ForeignKey, FOREIGN_KEYS),
        indexes=_fetch(DatabaseIndex, INDEXES),
        definers=_fetch(Function, DEFINERS),
        triggers=_fetch(Trigger, TRIGGERS),
    )


def _fetch(kind: type[T], sql: str) -> list[T]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [kind(*row) for row in rows]


# Column-wise grants count as grants of the table.
TABLES = """
SELECT c.relname::text, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity,
    'security_invoker=true' = ANY (coalesce(c.reloptions, '{}')),
    a.attnum IS NOT NULL, coalesce(a.attnotnull, false),
    ARRAY(
        SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'REFERENCES']) privilege
        WHERE has_any_column_privilege(c.oid, privilege)
        UNION
        SELECT format('UPDATE (%s)', attname) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND has_column_privilege(c.oid, attnum, 'UPDATE')
        UNION
        SELECT privilege FROM unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) privilege
        WHERE has_table_privilege(c.oid, privilege)
        ORDER BY 1
    )
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY 1
"""

POLICIES = """
SELECT tablename::text, policyname::text, permissive, roles::text[], cmd, qual, with_check
FROM pg_policies WHERE schemaname = 'public' ORDER BY 1, 2
"""

COLUMNS = """ARRAY(
    SELECT attname::text FROM unnest({keys}) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute ON attrelid = {table} AND attnum = k.number ORDER BY place
)"""

FOREIGN_KEYS = f"""
SELECT f.conname::text, child.relname::text, {COLUMNS.format(keys="f.conkey", table="f.conrelid")},
    parent.relname::text, {COLUMNS.format(keys="f.confkey", table="f.confrelid")}, f.convalidated
FROM pg_constraint f
JOIN pg_class child ON child.oid = f.conrelid JOIN pg_class parent ON parent.oid = f.confrelid
WHERE f.contype = 'f' AND child.relnamespace = 'public'::regnamespace AND f.conparentid = 0
ORDER BY 2, 1
"""  # noqa: S608

INDEXES = f"""
SELECT c.relname::text, {COLUMNS.format(keys="i.indkey::int2[]", table="i.indrelid")}
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND i.indpred IS NULL
"""  # noqa: S608

DEFINERS = """
SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner)::text, coalesce(p.proconfig, '{}')
FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace ORDER BY 1
"""

TRIGGERS = """
SELECT c.relname || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') ORDER BY 1
"""

ROLE = """
SELECT r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolreplication,
    ARRAY(
        SELECT other.rolname::text FROM pg_roles other
        WHERE other.oid <> r.oid AND pg_has_role(r.oid, other.oid, 'MEMBER') ORDER BY 1
    ),
    ARRAY(
        SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = r.oid ORDER BY 1
    ),
    ARRAY(
        SELECT privilege || ' ON DATABASE ' || current_database() FROM unnest(ARRAY['CREATE', 'TEMPORARY']) privilege
        WHERE has_database_privilege(r.oid, current_database(), privilege)
        UNION ALL
        SELECT 'EXECUTE ON FUNCTION ' || p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^(lo_|loread$|lowrite$)'
            AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
    ),
    ARRAY(
        SELECT name FROM pg_settings
        WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
            AND reset_val = '0'
            OR (name, reset_val) = ('track_activities', 'on')
            OR name = 'log_min_error_statement' AND reset_val <> 'panic'
            OR name = 'log_parameter_max_length' AND reset_val <> '0'
        ORDER BY 1
    )
FROM pg_roles r WHERE r.rolname = current_user
"""
