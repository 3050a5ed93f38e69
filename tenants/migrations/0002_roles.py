"""What the application's role may do, and the three questions that can be asked before a tenant is known."""

from django.db import migrations

GRANTS = """
GRANT USAGE ON SCHEMA public TO oyl_app, oyl_lookup;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO oyl_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO oyl_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO oyl_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO oyl_app;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM oyl_app;
"""

# The functions run as `oyl_lookup`, a role that nobody can sign in as and that sees these columns of these tables alone.
LOOKUP = """
GRANT SELECT (id, name, deleted_at) ON tenants TO oyl_lookup;
GRANT SELECT (tenant_id, user_id, role) ON memberships TO oyl_lookup;
GRANT SELECT (id, tenant_id, key_hash) ON api_keys TO oyl_lookup;
GRANT SELECT (id, is_active, is_superuser) ON users TO oyl_lookup;
CREATE POLICY lookup ON tenants FOR SELECT TO oyl_lookup USING (true);
CREATE POLICY lookup ON memberships FOR SELECT TO oyl_lookup USING (true);
CREATE POLICY lookup ON api_keys FOR SELECT TO oyl_lookup USING (true);

CREATE FUNCTION oyl_memberships(of_user uuid) RETURNS TABLE (tenant_id uuid, tenant_name text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.name::text, COALESCE(m.role::text, 'owner')
    FROM users u CROSS JOIN tenants t LEFT JOIN memberships m ON m.tenant_id = t.id AND m.user_id = u.id
    WHERE u.id = of_user AND u.is_active AND t.deleted_at IS NULL AND (m.role IS NOT NULL OR u.is_superuser)
    ORDER BY m.role IS NULL, t.name
$$;

CREATE FUNCTION oyl_tenant_of_api_key(hash text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.tenant_id FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.key_hash = hash AND t.deleted_at IS NULL
$$;

CREATE FUNCTION oyl_tenants() RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.name::text FROM tenants t WHERE t.deleted_at IS NULL ORDER BY t.name
$$;

GRANT CREATE ON SCHEMA public TO oyl_lookup;
ALTER FUNCTION oyl_memberships(uuid) OWNER TO oyl_lookup;
ALTER FUNCTION oyl_tenant_of_api_key(text) OWNER TO oyl_lookup;
ALTER FUNCTION oyl_tenants() OWNER TO oyl_lookup;
REVOKE CREATE ON SCHEMA public FROM oyl_lookup;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKUP, migrations.RunSQL.noop),
    ]
