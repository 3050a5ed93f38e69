"""The sealer's question: whose events have no seal yet? A short index scan per tenant, ids only."""

from django.db import migrations

FUNCTION = """
GRANT SELECT (tenant_id, id, created_at) ON audit_logs TO oyl_lookup;
GRANT SELECT (tenant_id, audit_log_id) ON audit_seals TO oyl_lookup;
CREATE POLICY lookup ON audit_logs FOR SELECT TO oyl_lookup USING (true);
CREATE POLICY lookup ON audit_seals FOR SELECT TO oyl_lookup USING (true);
CREATE FUNCTION oyl_tenants_with_unsealed_events(since timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id FROM tenants t WHERE EXISTS (
        SELECT FROM audit_logs a
        WHERE a.tenant_id = t.id AND a.created_at >= coalesce(since, '-infinity') AND NOT EXISTS (
            SELECT FROM audit_seals s WHERE s.tenant_id = a.tenant_id AND s.audit_log_id = a.id
        )
        -- The offset keeps this a look into each tenant's newest events, not a join of all.
        ORDER BY a.created_at DESC LIMIT 1 OFFSET 0
    )
$$;
GRANT CREATE ON SCHEMA public TO oyl_lookup;
ALTER FUNCTION oyl_tenants_with_unsealed_events(timestamptz) OWNER TO oyl_lookup;
REVOKE CREATE ON SCHEMA public FROM oyl_lookup;
"""
UNDO = """
DROP FUNCTION oyl_tenants_with_unsealed_events(timestamptz);
DROP POLICY lookup ON audit_logs;
DROP POLICY lookup ON audit_seals;
REVOKE ALL ON audit_logs, audit_seals FROM oyl_lookup;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only"), ("tenants", "0002_roles")]
    operations = [migrations.RunSQL(FUNCTION, UNDO)]
