"""API keys open the API: what they are bound to, and the question whose key it is, with all that the answer needs."""

from django.db import migrations, models

LOOKUP = """
GRANT SELECT (user_id, prefix, scopes, bound_kind, bound_id, expires_at, last_used_at, revoked_at)
    ON api_keys TO oyl_lookup;
DROP FUNCTION oyl_tenant_of_api_key(text);
CREATE FUNCTION oyl_api_key(hash text) RETURNS TABLE (id uuid, tenant_id uuid, user_id uuid, role text, prefix text,
    scopes text[], bound_kind text, bound_id uuid, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, k.tenant_id, k.user_id, COALESCE(m.role::text, 'owner'), k.prefix::text,
        k.scopes::text[], k.bound_kind::text, k.bound_id, k.last_used_at
    FROM api_keys k
    JOIN tenants t ON t.id = k.tenant_id
    JOIN users u ON u.id = k.user_id
    LEFT JOIN memberships m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
    WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
        AND t.deleted_at IS NULL AND u.is_active AND (m.role IS NOT NULL OR u.is_superuser)
$$;
GRANT CREATE ON SCHEMA public TO oyl_lookup;
ALTER FUNCTION oyl_api_key(text) OWNER TO oyl_lookup;
REVOKE CREATE ON SCHEMA public FROM oyl_lookup;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_roles")]
    operations = [
        migrations.AddField("apikey", "bound_id", models.UUIDField("with the id", blank=True, null=True)),
        migrations.AddField(
            "apikey",
            "bound_kind",
            models.CharField(
                "bound to a",
                max_length=16,
                blank=True,
                choices=[("workspace", "Workspace"), ("reference", "Reference"), ("assistant", "Assistant")],
            ),
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(("bound_kind__in", ["", "workspace", "reference", "assistant"])),
                name="api_keys_bound_kind_valid",
            ),
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(bound_kind="", bound_id=None)
                | ~models.Q(bound_kind="") & models.Q(bound_id__isnull=False),
                name="api_keys_bound_whole",
                violation_error_message="Say both what kind of object the key is bound to and its id, or neither.",
            ),
        ),
        migrations.RunSQL(LOOKUP, migrations.RunSQL.noop),
    ]
