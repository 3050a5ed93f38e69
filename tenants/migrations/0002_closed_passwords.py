"""Passwords move to a table that only functions reach, and the application's role cannot make operators."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.isolation.migrations import lookup_function

MOVE = "INSERT INTO password_hashes (user_id, encoded) SELECT id, password FROM users WHERE password NOT LIKE '!%'"
MOVE_BACK = "UPDATE users SET password = encoded FROM password_hashes WHERE user_id = id"
# The application inserts and updates all columns of a user, so that grants for single columns would refuse it.
GUARD = """
CREATE FUNCTION oyl_guard_operators() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_has_role(current_user, 'oyl_lookup', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF NEW.is_superuser IS DISTINCT FROM (TG_OP = 'UPDATE' AND OLD.is_superuser) THEN
        RAISE EXCEPTION 'only the owner of the tables makes operators' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.password_changed_at := OLD.password_changed_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER operators BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION oyl_guard_operators();
REVOKE ALL ON password_hashes FROM oyl_app;
REVOKE DELETE ON users FROM oyl_app;
"""
UNGUARD = "DROP TRIGGER operators ON users; DROP FUNCTION oyl_guard_operators();"
PARAMETERS = (
    r"SELECT regexp_replace(p.encoded, '[^$]*$', '') FROM password_hashes p WHERE p.user_id = of_user"
)
MATCHES = "SELECT EXISTS (SELECT FROM password_hashes p WHERE p.user_id = of_user AND p.encoded = derived)"
STORE = """
DECLARE
    changed timestamptz := clock_timestamp();
BEGIN
    IF EXISTS (SELECT FROM users u WHERE u.id = of_user AND u.is_superuser)
        AND NOT pg_has_role(session_user, 'oyl_owner', 'MEMBER')
        AND NOT oyl_password_matches(of_user, proof)
    THEN
        RAISE EXCEPTION 'the password of an operator is changed with the present one'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO password_hashes (user_id, encoded) VALUES (of_user, derived)
    ON CONFLICT (user_id) DO UPDATE SET encoded = EXCLUDED.encoded;
    UPDATE users SET password_changed_at = changed WHERE id = of_user;
    RETURN changed;
END
"""
READS = {"password_hashes": ("user_id", "encoded")}


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_closed_tables"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="password_changed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="PasswordHash",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("encoded", models.CharField(max_length=256)),
            ],
            options={"db_table": "password_hashes"},
        ),
        migrations.RunSQL(MOVE, MOVE_BACK),
        migrations.RemoveField(model_name="user", name="password"),
        migrations.RunSQL(GUARD, UNGUARD),
        lookup_function(
            "oyl_password_parameters(of_user uuid)", returns="text", body=PARAMETERS, reads=READS
        ),
        lookup_function(
            "oyl_password_matches(of_user uuid, derived text)", returns="boolean", body=MATCHES, reads=READS
        ),
        lookup_function(
            "oyl_set_password(of_user uuid, derived text, proof text)",
            returns="timestamptz",
            body=STORE,
            reads={**READS, "users": ("id", "is_superuser")},
            changes={"password_hashes": "INSERT, UPDATE", "users": "UPDATE (password_changed_at)"},
            language="plpgsql",
        ),
    ]
