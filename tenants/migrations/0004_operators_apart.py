"""Operators have no rights by memberships, and none of their keys works."""

from django.db import migrations

MEMBERSHIPS = """
CREATE OR REPLACE FUNCTION oyl_memberships(of_user uuid)
RETURNS TABLE (tenant_id uuid, tenant_name text, role text, last_entered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.name::text, m.role::text, m.last_entered_at
    FROM users u JOIN memberships m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
    WHERE u.id = of_user AND u.is_active AND NOT u.is_superuser AND t.deleted_at IS NULL
    ORDER BY m.last_entered_at DESC NULLS LAST, t.name
$$;
"""
API_KEY = """
CREATE OR REPLACE FUNCTION oyl_api_key(hash text)
RETURNS TABLE (id uuid, tenant_id uuid, user_id uuid, role text, prefix text, scopes text[], bound_kind text,
    bound_id uuid, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, k.tenant_id, k.user_id, m.role::text, k.prefix::text, k.scopes::text[], k.bound_kind::text, k.bound_id,
        k.last_used_at
    FROM api_keys k
    JOIN tenants t ON t.id = k.tenant_id
    JOIN users u ON u.id = k.user_id
    JOIN memberships m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
    WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
        AND t.deleted_at IS NULL AND u.is_active AND NOT u.is_superuser
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_invitations"),
    ]

    operations = [
        migrations.RunSQL(MEMBERSHIPS, migrations.RunSQL.noop),
        migrations.RunSQL(API_KEY, migrations.RunSQL.noop),
    ]
