"""Sessions are reached by their keys only, and the application's role makes no temporary tables."""

from django.db import migrations

from core.isolation.migrations import lookup_function

SAVE_SESSION = """
BEGIN
    IF is_new THEN
        INSERT INTO django_session (session_key, session_data, expire_date) VALUES (of_key, content, expires)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE django_session SET session_data = content, expire_date = expires WHERE session_key = of_key;
    END IF;
    RETURN FOUND;
END
"""
READS = {"django_session": ("session_key", "session_data", "expire_date")}
# Only the owner of a database may revoke it; a database that is copied from a template has the privilege again.
REVOKE_TEMPORARY = """
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_kept_answers"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL("REVOKE ALL ON django_session FROM oyl_app", migrations.RunSQL.noop),
        migrations.RunSQL(REVOKE_TEMPORARY, migrations.RunSQL.noop),
        lookup_function(
            "oyl_session(of_key text)",
            returns="text",
            body="SELECT session_data FROM django_session WHERE session_key = of_key AND expire_date > now()",
            reads=READS,
        ),
        lookup_function(
            "oyl_session_exists(of_key text)",
            returns="boolean",
            body="SELECT EXISTS (SELECT FROM django_session WHERE session_key = of_key)",
            reads=READS,
        ),
        lookup_function(
            "oyl_save_session(of_key text, content text, expires timestamptz, is_new boolean)",
            returns="boolean",
            body=SAVE_SESSION,
            reads=READS,
            changes={"django_session": "INSERT, UPDATE"},
            language="plpgsql",
        ),
        lookup_function(
            "oyl_delete_session(of_key text)",
            returns="void",
            body="DELETE FROM django_session WHERE session_key = of_key",
            reads=READS,
            changes={"django_session": "DELETE"},
        ),
        lookup_function(
            "oyl_delete_expired_sessions()",
            returns="bigint",
            body="WITH gone AS (DELETE FROM django_session WHERE expire_date < now() RETURNING 1) SELECT count(*) FROM gone",
            reads=READS,
            changes={"django_session": "DELETE"},
        ),
    ]
