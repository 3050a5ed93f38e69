"""Members can be suspended, and people can end all of their sessions."""

from django.db import migrations, models

from core.isolation.migrations import grant_lookup

MEMBERSHIPS = """
CREATE OR REPLACE FUNCTION oyl_memberships(of_user uuid)
RETURNS TABLE (tenant_id uuid, tenant_name text, role text, last_entered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.name::text, m.role::text, m.last_entered_at
    FROM users u JOIN memberships m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
    WHERE u.id = of_user AND u.is_active AND NOT u.is_superuser AND m.suspended_at IS NULL AND t.deleted_at IS NULL
    ORDER BY m.last_entered_at DESC NULLS LAST, t.name
$$;
"""
API_KEY = """
CREATE OR REPLACE FUNCTION oyl_api_key(hash text)
RETURNS TABLE (id uuid, tenant_id uuid, user_id uuid, role text, prefix text, scopes text[], bound_kind text,
    bound_id uuid, last_used_at timestamptz, made_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT k.id, k.tenant_id, k.user_id, m.role::text, k.prefix::text, k.scopes::text[], k.bound_kind::text, k.bound_id,
    k.last_used_at, COALESCE(p.prefix, '')::text
FROM api_keys k
JOIN tenants t ON t.id = k.tenant_id
JOIN users u ON u.id = k.user_id
JOIN memberships m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
LEFT JOIN api_keys p ON p.tenant_id = k.tenant_id AND p.id = k.made_by_id
WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND t.deleted_at IS NULL AND u.is_active AND NOT u.is_superuser AND m.suspended_at IS NULL
$$;
"""
INVITATION = """
CREATE OR REPLACE FUNCTION oyl_invitation(hash text)
RETURNS TABLE (tenant_id uuid, tenant_name text, email text, role text, by_mail boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT i.tenant_id, t.name::text, i.email::text, i.role::text, i.by_mail
FROM invitations i JOIN tenants t ON t.id = i.tenant_id
WHERE i.token_hash = hash AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
    AND t.deleted_at IS NULL
    AND (i.invited_by_id IS NULL OR EXISTS (
        SELECT FROM users u JOIN memberships m ON m.user_id = u.id AND m.tenant_id = i.tenant_id
        WHERE u.id = i.invited_by_id AND u.is_active AND NOT u.is_superuser AND m.suspended_at IS NULL
            AND (m.role = 'owner' OR m.role = 'admin' AND i.role <> 'owner')
    ))
    AND (i.made_by_id IS NULL OR EXISTS (
        SELECT FROM api_keys k WHERE k.tenant_id = i.tenant_id AND k.id = i.made_by_id
            AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    ))
$$;
"""
GUARD = """
GRANT UPDATE (sessions_ended_at) ON users TO oyl_app;
CREATE OR REPLACE FUNCTION oyl_guard_operators() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['last_login', 'sessions_ended_at'];
BEGIN
    IF pg_has_role(current_user, 'oyl_lookup', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF NEW.is_superuser AND (TG_OP = 'INSERT' OR NOT OLD.is_superuser) THEN
        RAISE EXCEPTION 'only the owner of the tables makes operators' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_superuser AND to_jsonb(NEW) - free <> to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'only the owner of the tables changes operators' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_what_keys_make")]
    operations = [
        migrations.AddField(
            "membership", "suspended_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "user", "sessions_ended_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.RunSQL(grant_lookup({"memberships": ("suspended_at",)}, ()), migrations.RunSQL.noop),
        *(
            migrations.RunSQL(sql, migrations.RunSQL.noop)
            for sql in (MEMBERSHIPS, API_KEY, INVITATION, GUARD)
        ),
    ]
