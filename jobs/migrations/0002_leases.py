"""The look-up of tenants with due jobs also tells how many leases each of them has, so that those with few are served first.
Jobs that were claimed together share one lease: it ends at the same time."""

from django.db import migrations

from core.isolation.migrations import lookup_function

BODY = """
BEGIN
    FOREACH job_table IN ARRAY job_tables LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L::text, due.tenant_id, (SELECT count(DISTINCT available_at)::integer FROM %I AS held '
            'WHERE held.tenant_id = due.tenant_id AND state = ''running'' AND available_at > now()) '
            'FROM (SELECT DISTINCT tenant_id FROM %I '
            'WHERE state IN (''queued'', ''running'', ''waiting'') AND available_at <= now()) AS due',
            job_table, job_table, job_table
        );
    END LOOP;
END
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [
        migrations.RunSQL("DROP FUNCTION oyl_tenants_with_due_jobs;", migrations.RunSQL.noop),
        lookup_function(
            "oyl_tenants_with_due_jobs(job_tables text[])",
            returns="TABLE (job_table text, tenant_id uuid, leases integer)",
            body=BODY,
            reads={},
            policies=(),
            language="plpgsql",
        ),
    ]
