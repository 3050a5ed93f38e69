"""Is every tenant's table isolated? Holds PostgreSQL's catalogue against what `core.isolation.constraints` makes.

Red on any new table that lacks something, whoever made it: a table is shared only if it is named here with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.apps import oyl_apps
from core.isolation import pg_catalog
from core.isolation.pg_catalog import Catalogue, ForeignKey, Policy, Table
from core.isolation.scope import VARIABLE

TENANTS = "tenants"
# Before a tenant is known, functions look up what no tenant's scope shows, as a role of their own.
LOOKUP_ROLE = "oyl_lookup"
LOOKUP_PATH = "search_path=public, pg_temp"
GRANTS = {"SELECT", "INSERT", "UPDATE", "DELETE"}
# `core.isolation.constraints.POLICY`, as PostgreSQL prints it.
CANONICAL = (
    f"({{column}} = ( SELECT (NULLIF(current_setting('{VARIABLE}'::text, true), ''::text))::uuid "
    'AS "nullif"))'
)
DERIVE = "Derive its model from `core.models.TenantModel` and migrate."


def shared_tables() -> dict[str, str]:
    """{table: why it has no tenant}, as the apps announce it."""
    return {table: reason for config in oyl_apps() for table, reason in config.shared_tables.items()}


def lookup_functions() -> dict[str, tuple[str, ...]]:
    """{signature: the tables that it reads}, as the apps announce it; several apps may announce tables of one function."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for config in oyl_apps():
        for lookup in config.lookups:
            found[lookup.signature] += lookup.tables
    return found


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is stable, `where` a table, function or role, `detail` says what is wrong and what to do."""

    rule: str
    where: str
    detail: str


def check() -> list[Violation]:
    """Whatever is not isolated; empty when all is well."""
    found = pg_catalog.read()
    return [finding for rule in RULES for finding in rule(found)]


def tenant_tables(found: Catalogue) -> list[Table]:
    return [table for table in found.tables if not table.is_view and table.name not in shared_tables()]


def tables_belong(found: Catalogue) -> Iterator[Violation]:
    shared = shared_tables()
    for table in found.tables:
        if table.is_view:
            continue
        if table.kind == "f":
            yield Violation("foreign_table", table.name, "Row-level security does not reach it: remove it.")
        if table.name in shared:
            if table.tenant_column:
                yield Violation(
                    "shared", table.name, "It is listed as shared, but has a tenant_id: isolate it."
                )
        elif table.name != TENANTS and not table.tenant_column:
            advice = "Give it one, or name it in `shared_tables` of its app's AppConfig with a reason."
            yield Violation("no_tenant_id", table.name, f"It has no tenant_id. {advice}")
        elif table.name != TENANTS and not table.tenant_required:
            yield Violation("tenant_id_nullable", table.name, "Its tenant_id may be NULL: make it NOT NULL.")


def rows_are_secured(found: Catalogue) -> Iterator[Violation]:
    for table in tenant_tables(found):
        if not table.rls:
            yield Violation("rls_off", table.name, f"Row-level security is off. {DERIVE}")
        if not table.forced:
            detail = f"Row-level security is not forced upon its owner. {DERIVE}"
            yield Violation("rls_not_forced", table.name, detail)


def policies_are_canonical(found: Catalogue) -> Iterator[Violation]:
    for table in tenant_tables(found):
        policies = {policy.name: policy for policy in found.policies if policy.table == table.name}
        for expected in _expected_policies(table.name):
            if expected.name not in policies:
                detail = f"It has no policy {expected.name}. {DERIVE}"
                yield Violation("policy_missing", table.name, detail)
            elif policies[expected.name] != expected:
                detail = f"Its policy {expected.name} is not the one that OYL makes. Drop it. {DERIVE}"
                yield Violation("policy_changed", table.name, detail)
        for name in policies.keys() - {expected.name for expected in _expected_policies(table.name)}:
            yield Violation(
                "policy_unknown", table.name, f"Policies add up, and {name} is not OYL's: drop it."
            )


def _expected_policies(table: str) -> list[Policy]:
    rule = CANONICAL.format(column="id" if table == TENANTS else "tenant_id")
    isolation = Policy(table, "tenant_isolation", "PERMISSIVE", ["public"], "ALL", rule, rule)
    lookup = Policy(table, "lookup", "PERMISSIVE", [LOOKUP_ROLE], "SELECT", "true", None)
    is_looked_up = any(table in tables for tables in lookup_functions().values())
    return [isolation, lookup] if is_looked_up else [isolation]


def parents_are_of_the_same_tenant(found: Catalogue) -> Iterator[Violation]:
    isolated, shared = {table.name for table in tenant_tables(found)}, shared_tables()
    for table in sorted(isolated - {TENANTS}):
        if not any(key.table == table and _names_the_tenant(key) for key in found.foreign_keys):
            yield Violation("tenant_fk_missing", table, f"Its tenant_id refers to no tenant. {DERIVE}")
    for key in found.foreign_keys:
        if key.table in shared and key.parent in isolated:
            detail = f"It is listed as shared, but {key.name} refers to {key.parent}, a tenant's table: isolate it."
            yield Violation("shared", key.table, detail)
        elif key.parent in isolated and not _names_the_tenant(key) and not _is_composite(key):
            detail = f"{key.name} accepts another tenant's row of {key.parent}: make it a TenantForeignKey."
            yield Violation("fk_not_composite", key.table, detail)
        if not key.valid:
            detail = f"{key.name} was never validated: ALTER TABLE … VALIDATE CONSTRAINT {key.name}."
            yield Violation("fk_not_valid", key.table, detail)


def _names_the_tenant(key: ForeignKey) -> bool:
    return (key.columns, key.parent, key.parent_columns) == (["tenant_id"], TENANTS, ["id"])


def _is_composite(key: ForeignKey) -> bool:
    return ("tenant_id", "tenant_id") in zip(key.columns, key.parent_columns, strict=True)


def foreign_keys_are_indexed(found: Catalogue) -> Iterator[Violation]:
    for table in tenant_tables(found):
        leading = [index.columns for index in found.indexes if index.table == table.name]
        if table.name != TENANTS and not any(columns[:1] == ["tenant_id"] for columns in leading):
            yield Violation("no_index", table.name, f"No index leads with tenant_id. {DERIVE}")
        for key in found.foreign_keys:
            own = [column for column in key.columns if column != "tenant_id"]
            searched = [columns for columns in leading if _serves(columns, own)]
            if key.table == table.name and own and not searched:
                detail = f"No index serves {key.name}: add one on {', '.join(own)}."
                yield Violation("fk_not_indexed", table.name, detail)


def _serves(index: list[str], columns: list[str]) -> bool:
    """The index leads with one of the columns, by itself or after tenant_id."""
    rest = index[1:] if index[:1] == ["tenant_id"] else index
    return rest[:1] != [] and rest[0] in columns


def views_ask_as_the_reader(found: Catalogue) -> Iterator[Violation]:
    for table in found.tables:
        if table.kind == "m":
            yield Violation("materialized_view", table.name, "No policy applies to its rows: remove it.")
        if table.kind == "v" and not table.invoker:
            detail = "It reads as its owner: ALTER VIEW … SET (security_invoker = true)."
            yield Violation("view_not_invoker", table.name, detail)


def functions_do_not_lend_rights(found: Catalogue) -> Iterator[Violation]:
    known = lookup_functions()
    for function in found.definers:
        if function.name not in known:
            detail = "It is SECURITY DEFINER and none of OYL's lookups: make it SECURITY INVOKER."
            yield Violation("security_definer", function.name, detail)
        elif function.owner != LOOKUP_ROLE or LOOKUP_PATH not in function.settings:
            detail = f"It must belong to {LOOKUP_ROLE} and set {LOOKUP_PATH}: migrate again."
            yield Violation("lookup_changed", function.name, detail)


def grants_are_narrow(found: Catalogue) -> Iterator[Violation]:
    append_only = {table for config in oyl_apps() for table in config.append_only_tables}
    for table in found.tables:
        allowed = {"SELECT", "INSERT"} if table.name in append_only else GRANTS
        if excess := sorted(set(table.grants) - allowed):
            what = ", ".join(excess)
            detail = f"{found.role.name} may {what}: REVOKE {what} ON {table.name} FROM {found.role.name}."
            yield Violation("grant", table.name, detail)


def the_role_is_bound(found: Catalogue) -> Iterator[Violation]:
    role = found.role
    attributes = {
        "SUPERUSER": role.superuser,
        "BYPASSRLS": role.bypasses,
        "CREATEROLE": role.creates_roles,
        "REPLICATION": role.replicates,
    }
    for attribute in (name for name, holds in attributes.items() if holds):
        yield Violation("role", role.name, f"It has {attribute}: ALTER ROLE {role.name} NO{attribute}.")
    if role.memberships:
        detail = f"It is a member of {', '.join(role.memberships)}, whose rights it may take: revoke that."
        yield Violation("role", role.name, detail)
    if role.owns:
        detail = f"It owns {', '.join(role.owns)}, and an owner may switch isolation off: change the owner."
        yield Violation("role", role.name, detail)


RULES: list[Callable[[Catalogue], Iterator[Violation]]] = [
    the_role_is_bound,
    tables_belong,
    rows_are_secured,
    policies_are_canonical,
    parents_are_of_the_same_tenant,
    foreign_keys_are_indexed,
    views_ask_as_the_reader,
    functions_do_not_lend_rights,
    grants_are_narrow,
]
