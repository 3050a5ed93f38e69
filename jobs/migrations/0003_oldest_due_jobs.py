"""For operators: how many jobs of each table are due, in all tenants together, and since when the oldest one waits."""

from django.db import migrations

from core.isolation.migrations import lookup_function

BODY = """
BEGIN
    FOREACH job_table IN ARRAY job_tables LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L::text, count(*)::integer, min(available_at) FROM (SELECT available_at FROM %I '
            'WHERE state IN (''queued'', ''running'', ''waiting'') AND available_at <= now() '
            'ORDER BY available_at LIMIT %s) AS due',
            job_table, job_table, most
        );
    END LOOP;
END
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_leases")]
    operations = [
        lookup_function(
            "oyl_due_jobs(job_tables text[], most integer)",
            returns="TABLE (job_table text, jobs integer, oldest timestamptz)",
            body=BODY,
            reads={},
            policies=(),
            language="plpgsql",
        ),
    ]
