"""The sweeper's question: whose jobs are due? One index scan for all tenants, ids only."""

from django.db import migrations

FUNCTION = """
GRANT SELECT (tenant_id, state, available_at) ON ingestion_jobs TO oyl_lookup;
CREATE POLICY lookup ON ingestion_jobs FOR SELECT TO oyl_lookup USING (true);
CREATE FUNCTION oyl_tenants_with_due_jobs() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT tenant_id FROM ingestion_jobs WHERE state IN ('queued', 'running') AND available_at <= now()
$$;
GRANT CREATE ON SCHEMA public TO oyl_lookup;
ALTER FUNCTION oyl_tenants_with_due_jobs() OWNER TO oyl_lookup;
REVOKE CREATE ON SCHEMA public FROM oyl_lookup;
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial"), ("tenants", "0002_roles")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION oyl_tenants_with_due_jobs();")]
