"""Checks that every tenant's table is isolated: compares PostgreSQL's catalogue with what `core.isolation.constraints`
makes. It fails for any table that lacks something; a table is shared only if an app announces it with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.apps import Privileges, oyl_apps
from core.isolation import pg_catalog
from core.isolation.pg_catalog import Catalogue, ForeignKey, Policy, Table
from core.isolation.scope import PLATFORM_VARIABLE, VARIABLE

TENANTS = "tenants"
# The role of the functions that answer before a tenant is known, outside of any tenant's scope.
LOOKUP_ROLE = "oyl_lookup"
LOOKUP_PATH = "search_path=public, pg_temp"
# `core.isolation.constraints.POLICY`, as PostgreSQL prints it.
EXPECTED_POLICY = (
    f"({{column}} = ( SELECT (NULLIF(current_setting('{VARIABLE}'::text, true), ''::text))::uuid "
    'AS "nullif"))'
)
PLATFORM_POLICY = f"(current_setting('{PLATFORM_VARIABLE}'::text, true) = 'on'::text)"
DERIVE_HINT = "Derive its model from `core.models.TenantModel` and migrate."


def shared_tables() -> dict[str, str]:
    """{table: why it has no tenant}, as the apps announce it."""
    return {table: reason for config in oyl_apps() for table, reason in config.shared_tables.items()}


def lookup_functions() -> dict[str, tuple[str, ...]]:
    """{signature: the tables that it reads}, as the apps announce them; several apps may announce tables of one function."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for config in oyl_apps():
        for lookup in config.lookups:
            found[lookup.signature] += lookup.tables
    return found


def privileges() -> dict[str, Privileges]:
    """{table: what the application's role may do with it}, as the apps announce it; with the others, everything."""
    return {table: allowed for config in oyl_apps() for table, allowed in config.privileges.items()}


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is stable, `where` names a table, function or role, `detail` says what is wrong and what to do."""

    rule: str
    where: str
    detail: str


def check() -> list[Violation]:
    """All violations of the isolation of tenants."""
    catalogue = pg_catalog.read()
    return [violation for rule in RULES for violation in rule(catalogue)]


def tenant_tables(catalogue: Catalogue) -> list[Table]:
    return [table for table in catalogue.tables if not table.is_view and table.name not in shared_tables()]


def platform_tables() -> set[str]:
    return {table for config in oyl_apps() for table in config.platform_tables}


def secured_tables(catalogue: Catalogue) -> list[Table]:
    """Those with row-level security: of tenants, and of the platform."""
    return [
        *tenant_tables(catalogue),
        *(table for table in catalogue.tables if table.name in platform_tables()),
    ]


def tables_have_a_tenant(catalogue: Catalogue) -> Iterator[Violation]:
    shared = shared_tables()
    for table in catalogue.tables:
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


def rows_are_secured(catalogue: Catalogue) -> Iterator[Violation]:
    for table in secured_tables(catalogue):
        if not table.rls:
            yield Violation("rls_off", table.name, f"Row-level security is off. {DERIVE_HINT}")
        if not table.forced:
            detail = f"Row-level security is not forced upon its owner. {DERIVE_HINT}"
            yield Violation("rls_not_forced", table.name, detail)


def policies_are_as_expected(catalogue: Catalogue) -> Iterator[Violation]:
    for table in secured_tables(catalogue):
        policies = {policy.name: policy for policy in catalogue.policies if policy.table == table.name}
        for expected in _expected_policies(table.name):
            if expected.name not in policies:
                detail = f"It has no policy {expected.name}. {DERIVE_HINT}"
                yield Violation("policy_missing", table.name, detail)
            elif policies[expected.name] != expected:
                detail = f"Its policy {expected.name} is not the one that OYL makes. Drop it. {DERIVE_HINT}"
                yield Violation("policy_changed", table.name, detail)
        for name in policies.keys() - {expected.name for expected in _expected_policies(table.name)}:
            yield Violation(
                "policy_unknown", table.name, f"Policies add up, and {name} is not OYL's: drop it."
            )


def _expected_policies(table: str) -> list[Policy]:
    if table in platform_tables():
        return [
            Policy(table, "operators", "PERMISSIVE", ["public"], "SELECT", PLATFORM_POLICY, None),
            Policy(table, "everybody", "PERMISSIVE", ["public"], "INSERT", None, "true"),
        ]
    rule = EXPECTED_POLICY.format(column="id" if table == TENANTS else "tenant_id")
    isolation = Policy(table, "tenant_isolation", "PERMISSIVE", ["public"], "ALL", rule, rule)
    lookup = Policy(table, "lookup", "PERMISSIVE", [LOOKUP_ROLE], "SELECT", "true", None)
    is_looked_up = any(table in tables for tables in lookup_functions().values())
    return [isolation, lookup] if is_looked_up else [isolation]


def parents_are_of_the_same_tenant(catalogue: Catalogue) -> Iterator[Violation]:
    isolated, shared = {table.name for table in tenant_tables(catalogue)}, shared_tables()
    for table in sorted(isolated - {TENANTS}):
        if not any(key.table == table and _names_the_tenant(key) for key in catalogue.foreign_keys):
            yield Violation("tenant_fk_missing", table, f"Its tenant_id refers to no tenant. {DERIVE_HINT}")
    for key in catalogue.foreign_keys:
        is_composite = ("tenant_id", "tenant_id") in zip(key.columns, key.parent_columns, strict=True)
        if key.table in shared and key.parent in isolated:
            detail = f"It is listed as shared, but {key.name} refers to {key.parent}, a tenant's table: isolate it."
            yield Violation("shared", key.table, detail)
        elif key.parent in isolated and not _names_the_tenant(key) and not is_composite:
            detail = f"{key.name} accepts another tenant's row of {key.parent}: make it a TenantForeignKey."
            yield Violation("fk_not_composite", key.table, detail)
        if not key.valid:
            detail = f"{key.name} was never validated: ALTER TABLE … VALIDATE CONSTRAINT {key.name}."
            yield Violation("fk_not_valid", key.table, detail)


def _names_the_tenant(key: ForeignKey) -> bool:
    return (key.columns, key.parent, key.parent_columns) == (["tenant_id"], TENANTS, ["id"])


def foreign_keys_are_indexed(catalogue: Catalogue) -> Iterator[Violation]:
    for table in tenant_tables(catalogue):
        leading = [index.columns for index in catalogue.indexes if index.table == table.name]
        if table.name != TENANTS and not any(columns[:1] == ["tenant_id"] for columns in leading):
            yield Violation("no_index", table.name, f"No index leads with tenant_id. {DERIVE_HINT}")
        # An index serves a key if it leads with one of the key's columns, by itself or after tenant_id.
        first = {next((column for column in columns if column != "tenant_id"), "") for columns in leading}
        for key in catalogue.foreign_keys:
            own = [column for column in key.columns if column != "tenant_id"]
            if key.table == table.name and own and not first & set(own):
                detail = f"No index serves {key.name}: add one on {', '.join(own)}."
                yield Violation("fk_not_indexed", table.name, detail)


def views_use_invoker_rights(catalogue: Catalogue) -> Iterator[Violation]:
    for table in catalogue.tables:
        if table.kind == "m":
            yield Violation("materialized_view", table.name, "No policy applies to its rows: remove it.")
        if table.kind == "v" and not table.invoker:
            detail = "It reads as its owner: ALTER VIEW … SET (security_invoker = true)."
            yield Violation("view_not_invoker", table.name, detail)


def functions_do_not_escalate_rights(catalogue: Catalogue) -> Iterator[Violation]:
    known = lookup_functions()
    for function in catalogue.definers:
        if function.name not in known:
            detail = "It is SECURITY DEFINER and none of OYL's lookups: make it SECURITY INVOKER."
            yield Violation("security_definer", function.name, detail)
        elif function.owner != LOOKUP_ROLE or LOOKUP_PATH not in function.settings:
            detail = f"It must belong to {LOOKUP_ROLE} and set {LOOKUP_PATH}: migrate again."
            yield Violation("lookup_changed", function.name, detail)


def grants_are_minimal(catalogue: Catalogue) -> Iterator[Violation]:
    for table in catalogue.tables:
        allowed = privileges().get(table.name, Privileges())
        if excess := [grant for grant in table.grants if not allowed.include(grant)]:
            detail = f"{catalogue.role.name} may {', '.join(excess)}: {_revoke(table, catalogue.role.name, excess)}."
            yield Violation("grant", table.name, detail)
    for privilege in catalogue.role.excess:
        detail = f"It may {privilege}: run deploy/roles.sql in this database as a superuser."
        yield Violation("grant", catalogue.role.name, detail)


def _revoke(table: Table, role: str, excess: list[str]) -> str:
    """SQL for it. Revoking UPDATE from a table revokes it from all columns, too."""
    kinds = list(dict.fromkeys(grant.partition(" ")[0] for grant in excess))
    revoke = f"REVOKE {', '.join(kinds)} ON {table.name} FROM {role}"
    columns = [grant for grant in table.grants if grant.startswith("UPDATE") and grant not in excess]
    return f"{revoke}; GRANT {', '.join(columns)} ON {table.name} TO {role}" if columns else revoke


def guards_are_there(catalogue: Catalogue) -> Iterator[Violation]:
    found = {trigger.name for trigger in catalogue.triggers}
    for name in (name for config in oyl_apps() for name in config.guards if name not in found):
        yield Violation("guard", name, "This trigger is missing or disabled: enable it, or migrate again.")


def role_cannot_bypass_isolation(catalogue: Catalogue) -> Iterator[Violation]:
    role = catalogue.role
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


def role_has_its_settings(catalogue: Catalogue) -> Iterator[Violation]:
    """Time limits, and that its statements are shown nowhere."""
    for name in catalogue.role.unset:
        detail = f"Its setting {name} is not OYL's: run deploy/roles.sql as a superuser, and restart OYL."
        yield Violation("role", catalogue.role.name, detail)


RULES: list[Callable[[Catalogue], Iterator[Violation]]] = [
    role_cannot_bypass_isolation,
    role_has_its_settings,
    tables_have_a_tenant,
    rows_are_secured,
    policies_are_as_expected,
    parents_are_of_the_same_tenant,
    foreign_keys_are_indexed,
    views_use_invoker_rights,
    functions_do_not_escalate_rights,
    grants_are_minimal,
    guards_are_there,
]
