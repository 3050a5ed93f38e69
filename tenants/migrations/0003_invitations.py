"""Invitations, and the tenant that a person entered last."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.isolation.constraints
import core.isolation.scope
import core.models
from core.isolation.migrations import lookup_function

MEMBERSHIPS = """
SELECT t.id, t.name::text, COALESCE(m.role::text, 'owner'), m.last_entered_at
FROM users u CROSS JOIN tenants t LEFT JOIN memberships m ON m.tenant_id = t.id AND m.user_id = u.id
WHERE u.id = of_user AND u.is_active AND t.deleted_at IS NULL AND (m.role IS NOT NULL OR u.is_superuser)
ORDER BY m.last_entered_at DESC NULLS LAST, m.role IS NULL, t.name
"""
INVITATION = """
SELECT i.tenant_id, t.name::text, i.email::text, i.role::text, i.by_mail
FROM invitations i JOIN tenants t ON t.id = i.tenant_id
WHERE i.token_hash = hash AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
    AND t.deleted_at IS NULL
"""
INVITATION_COLUMNS = (
    "tenant_id", "token_hash", "email", "role", "by_mail", "expires_at", "accepted_at", "revoked_at",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_closed_passwords"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="last_entered_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="email_verified_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
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
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("by_mail", models.BooleanField(default=False, editable=False)),
                ("mailed_at", models.DateTimeField(editable=False, null=True)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
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
                "db_table": "invitations",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                        fields=("tenant", "email"),
                        name="invitations_email_pending_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["viewer", "editor", "admin", "owner"])),
                        name="invitations_role_valid",
                    ),
                    core.isolation.constraints.TenantIsolation(column="tenant_id", name="invitations_tenant"),
                    models.UniqueConstraint(fields=("tenant", "id"), name="invitations_tenant_id_key"),
                ],
            },
        ),
        migrations.RunSQL("DROP FUNCTION oyl_memberships(uuid)", migrations.RunSQL.noop),
        lookup_function(
            "oyl_memberships(of_user uuid)",
            returns="TABLE (tenant_id uuid, tenant_name text, role text, last_entered_at timestamptz)",
            body=MEMBERSHIPS,
            reads={"memberships": ("last_entered_at",)},
            policies=("tenants", "memberships"),
        ),
        lookup_function(
            "oyl_invitation(hash text)",
            returns="TABLE (tenant_id uuid, tenant_name text, email text, role text, by_mail boolean)",
            body=INVITATION,
            reads={"invitations": INVITATION_COLUMNS},
            policies=("tenants", "invitations"),
        ),
    ]
