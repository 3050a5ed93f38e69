"""Sessions are listed by person, so that people see theirs and end single ones."""

from django.db import migrations

from core.isolation.migrations import lookup_function

COLUMNS = """
ALTER TABLE django_session
    ADD user_id uuid, ADD auth_hash text, ADD address text, ADD browser text, ADD begun timestamptz, ADD seen timestamptz;
CREATE INDEX django_session_user ON django_session (user_id) WHERE user_id IS NOT NULL;
"""
SAVE_SESSION = """
BEGIN
    IF is_new THEN
        INSERT INTO django_session VALUES (of_key, content, expires, person, hash, from_address, with_browser, since, now())
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE django_session SET session_data = content, expire_date = expires, user_id = person, auth_hash = hash,
            address = from_address, browser = with_browser, begun = since, seen = now()
        WHERE session_key = of_key;
    END IF;
    RETURN FOUND;
END
"""
LIST_SESSIONS = """
SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM (
    SELECT session_key AS id, address, browser, begun, seen FROM django_session
    WHERE user_id = person AND auth_hash = hash AND expire_date > now() ORDER BY seen DESC LIMIT 100
) one
"""
READS = {
    "django_session": (
        *("session_key", "session_data", "expire_date", "user_id", "auth_hash"),
        *("address", "browser", "begun", "seen"),
    )
}


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_stored_amounts"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(COLUMNS, migrations.RunSQL.noop),
        migrations.RunSQL(
            "DROP FUNCTION oyl_save_session(text, text, timestamptz, boolean)", migrations.RunSQL.noop
        ),
        lookup_function(
            "oyl_save_session(of_key text, content text, expires timestamptz, is_new boolean, person uuid, hash text,"
            " from_address text, with_browser text, since timestamptz)",
            returns="boolean",
            body=SAVE_SESSION,
            reads=READS,
            changes={"django_session": "INSERT, UPDATE"},
            language="plpgsql",
        ),
        lookup_function(
            "oyl_sessions_of(person uuid, hash text)", returns="jsonb", body=LIST_SESSIONS, reads=READS
        ),
        lookup_function(
            "oyl_end_session(person uuid, of_key text)",
            returns="boolean",
            body="WITH gone AS (DELETE FROM django_session WHERE user_id = person AND session_key = of_key RETURNING 1)"
            " SELECT EXISTS (SELECT FROM gone)",
            reads=READS,
            changes={"django_session": "DELETE"},
        ),
    ]
