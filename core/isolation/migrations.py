"""Operations of migrations: functions that answer before a tenant is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.migrations import RunSQL


def lookup_function(
    signature: str,
    *,
    returns: str,
    body: str,
    reads: Mapping[str, Sequence[str]],
    policies: Sequence[str] = (),
    changes: Mapping[str, str] = {},
    language: str = "sql",
) -> RunSQL:
    """A SECURITY DEFINER function that runs as `oyl_lookup`, a role that cannot sign in. `reads` has the columns of each
    table that it may see, `policies` the tables among these whose row-level security lets it see all rows, `changes` the
    privileges on each table by which it writes."""
    name = signature.partition("(")[0]
    grants = [f"GRANT {privileges} ON {table} TO oyl_lookup;" for table, privileges in changes.items()]
    return RunSQL(
        f"{grant_lookup(reads, policies)}{''.join(grants)}"
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE {language} "
        f"{'VOLATILE' if changes else 'STABLE'} SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $$ {body} $$;"
        "GRANT CREATE ON SCHEMA public TO oyl_lookup;"
        f"ALTER FUNCTION {name} OWNER TO oyl_lookup;"
        "REVOKE CREATE ON SCHEMA public FROM oyl_lookup;",
        f"DROP FUNCTION {name};",
    )


def grant_lookup(reads: Mapping[str, Sequence[str]], policies: Sequence[str]) -> str:
    """The SQL that lets `oyl_lookup` read these columns, and all rows of the tables in `policies`."""
    grants = (
        f"GRANT SELECT ({', '.join(columns)}) ON {table} TO oyl_lookup;" for table, columns in reads.items()
    )
    created = (  # several functions may read the same table
        f"DROP POLICY IF EXISTS lookup ON {table};"
        f"CREATE POLICY lookup ON {table} FOR SELECT TO oyl_lookup USING (true);"
        for table in policies
    )
    return "".join([*grants, *created])
