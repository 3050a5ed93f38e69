"""Which tenants have due jobs. The function reads only the tables whose migrations let it: `jobs.lookup`."""

from django.db import migrations

from core.isolation.migrations import lookup_function

BODY = """
BEGIN
    FOREACH job_table IN ARRAY job_tables LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L::text, due.tenant_id FROM (SELECT DISTINCT tenant_id FROM %I '
            'WHERE state IN (''queued'', ''running'', ''waiting'') AND available_at <= now()) AS due',
            job_table, job_table
        );
    END LOOP;
END
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_initial")]
    operations = [
        lookup_function(
            "oyl_tenants_with_due_jobs(job_tables text[])",
            returns="TABLE (job_table text, tenant_id uuid)",
            body=BODY,
            reads={},
            policies=(),
            language="plpgsql",
        ),
    ]
