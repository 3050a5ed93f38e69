"""The application's role changes only some columns of users, and of an operator's row only the time of the last sign-in."""

from django.db import migrations

GRANTS = """
REVOKE INSERT, UPDATE, DELETE ON users_groups, users_user_permissions FROM oyl_app;
REVOKE UPDATE ON users FROM oyl_app;
GRANT UPDATE (email, name, is_active, last_login, email_verified_at) ON users TO oyl_app;
"""
GUARD = """
CREATE OR REPLACE FUNCTION oyl_guard_operators() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_has_role(current_user, 'oyl_lookup', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF NEW.is_superuser AND (TG_OP = 'INSERT' OR NOT OLD.is_superuser) THEN
        RAISE EXCEPTION 'only the owner of the tables makes operators' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_superuser AND to_jsonb(NEW) - 'last_login' <> to_jsonb(OLD) - 'last_login' THEN
        RAISE EXCEPTION 'only the owner of the tables changes operators' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_names"),
    ]

    operations = [
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
