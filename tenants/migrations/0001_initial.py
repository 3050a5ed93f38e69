"""Tenants, people and keys, and what is known of them before a tenant is."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.encryption.fields
import core.isolation.constraints
import core.isolation.scope
import core.models
import core.permissions
from core.isolation.migrations import lookup_function

MEMBERSHIPS = """
SELECT t.id, t.name::text, COALESCE(m.role::text, 'owner')
FROM users u CROSS JOIN tenants t LEFT JOIN memberships m ON m.tenant_id = t.id AND m.user_id = u.id
WHERE u.id = of_user AND u.is_active AND t.deleted_at IS NULL AND (m.role IS NOT NULL OR u.is_superuser)
ORDER BY m.role IS NULL, t.name
"""
API_KEY = """
SELECT k.id, k.tenant_id, k.user_id, COALESCE(m.role::text, 'owner'), k.prefix::text,
    k.scopes::text[], k.bound_kind::text, k.bound_id, k.last_used_at
FROM api_keys k
JOIN tenants t ON t.id = k.tenant_id
JOIN users u ON u.id = k.user_id
LEFT JOIN memberships m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND t.deleted_at IS NULL AND u.is_active AND (m.role IS NOT NULL OR u.is_superuser)
"""
READS = {
    "tenants": ("id", "name", "deleted_at"),
    "memberships": ("tenant_id", "user_id", "role"),
    "users": ("id", "is_active", "is_superuser"),
}
KEY_COLUMNS = (
    "id", "tenant_id", "user_id", "key_hash", "prefix", "scopes", "bound_kind", "bound_id", "expires_at", "last_used_at",
    "revoked_at",
)  # fmt: skip


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "users",
            },
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=255, unique=True)),
                (
                    "metadata_encrypted",
                    core.encryption.fields.EncryptedJSONField(blank=True, editable=False, null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "db_table": "tenants",
                "constraints": [
                    core.isolation.constraints.TenantIsolation(column="id", name="tenants_tenant")
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("editor", "Editor"),
                            ("admin", "Admin"),
                            ("owner", "Owner"),
                        ],
                        default="viewer",
                        max_length=16,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=core.isolation.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "memberships",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "user"), name="memberships_user_key"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["viewer", "editor", "admin", "owner"])),
                        name="memberships_role_valid",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="memberships_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="memberships_tenant_id_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=255)),
                ("prefix", models.CharField(max_length=16)),
                ("key_hash", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                (
                    "bound_kind",
                    models.CharField(
                        blank=True,
                        choices=core.permissions.bound_kind_choices,
                        max_length=16,
                        verbose_name="bound to a",
                    ),
                ),
                ("bound_id", models.UUIDField(blank=True, null=True, verbose_name="with the id")),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=core.isolation.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "api_keys",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("bound_id", None), ("bound_kind", "")),
                            models.Q(
                                models.Q(("bound_kind", ""), _negated=True), ("bound_id__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="api_keys_bound_whole",
                        violation_error_message="Say both what kind of object the key is bound to and its id, or neither.",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="api_keys_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="api_keys_tenant_id_key"),
                ],
            },
        ),
        lookup_function(
            "oyl_memberships(of_user uuid)",
            returns="TABLE (tenant_id uuid, tenant_name text, role text)",
            body=MEMBERSHIPS,
            reads=READS,
            policies=("tenants", "memberships"),
        ),
        lookup_function(
            "oyl_api_key(hash text)",
            returns="TABLE (id uuid, tenant_id uuid, user_id uuid, role text, prefix text, scopes text[], "
            "bound_kind text, bound_id uuid, last_used_at timestamptz)",
            body=API_KEY,
            reads={**READS, "api_keys": KEY_COLUMNS},
            policies=("tenants", "memberships", "api_keys"),
        ),
    ]
