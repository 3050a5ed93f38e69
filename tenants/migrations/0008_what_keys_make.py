"""What keys make ends with them, and invitations open nothing when whoever made them could not make them now."""

import django.db.models.deletion
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.fields
from core.isolation.migrations import lookup_function

API_KEY = """
SELECT k.id, k.tenant_id, k.user_id, m.role::text, k.prefix::text, k.scopes::text[], k.bound_kind::text, k.bound_id,
    k.last_used_at, COALESCE(p.prefix, '')::text
FROM api_keys k
JOIN tenants t ON t.id = k.tenant_id
JOIN users u ON u.id = k.user_id
JOIN memberships m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
LEFT JOIN api_keys p ON p.tenant_id = k.tenant_id AND p.id = k.made_by_id
WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND t.deleted_at IS NULL AND u.is_active AND NOT u.is_superuser
"""
INVITATION = """
SELECT i.tenant_id, t.name::text, i.email::text, i.role::text, i.by_mail
FROM invitations i JOIN tenants t ON t.id = i.tenant_id
WHERE i.token_hash = hash AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
    AND t.deleted_at IS NULL
    AND (i.invited_by_id IS NULL OR EXISTS (
        SELECT FROM users u JOIN memberships m ON m.user_id = u.id AND m.tenant_id = i.tenant_id
        WHERE u.id = i.invited_by_id AND u.is_active AND NOT u.is_superuser
            AND (m.role = 'owner' OR m.role = 'admin' AND i.role <> 'owner')
    ))
    AND (i.made_by_id IS NULL OR EXISTS (
        SELECT FROM api_keys k WHERE k.tenant_id = i.tenant_id AND k.id = i.made_by_id
            AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    ))
"""
COLUMNS = {"api_keys": ("made_by_id",), "invitations": ("invited_by_id", "made_by_id")}


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_password_digests"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="made_by",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.apikey",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="made_by",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.apikey",
            ),
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=core.isolation.fields.NamedIndex(fields=["made_by"], name="idx_api_keys_made_by_id"),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=core.isolation.fields.NamedIndex(fields=["made_by"], name="idx_invitations_made_by_id"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=core.isolation.constraints.SameTenant(
                "made_by", also=(), name="api_keys_made_by_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=core.isolation.constraints.SameTenant(
                "made_by", also=(), name="invitations_made_by_same_tenant", on_delete="CASCADE"
            ),
        ),
        migrations.RunSQL(
            "DROP FUNCTION oyl_api_key(text); DROP FUNCTION oyl_invitation(text)", migrations.RunSQL.noop
        ),
        lookup_function(
            "oyl_api_key(hash text)",
            returns="TABLE (id uuid, tenant_id uuid, user_id uuid, role text, prefix text, scopes text[],"
            " bound_kind text, bound_id uuid, last_used_at timestamptz, made_by text)",
            body=API_KEY,
            reads=COLUMNS,
            policies=("tenants", "memberships", "api_keys"),
        ),
        lookup_function(
            "oyl_invitation(hash text)",
            returns="TABLE (tenant_id uuid, tenant_name text, email text, role text, by_mail boolean)",
            body=INVITATION,
            reads=COLUMNS,
            policies=("tenants", "memberships", "api_keys", "invitations"),
        ),
    ]
