"""For the migration of a table of jobs: lets the sweeper see which tenants have due jobs."""

from __future__ import annotations

from django.db.migrations import RunSQL

from core.isolation.migrations import grant_lookup


def job_table_lookup(table: str) -> RunSQL:
    columns = ("tenant_id", "state", "available_at")
    return RunSQL(grant_lookup({table: columns}, (table,)), f"DROP POLICY lookup ON {table};")
