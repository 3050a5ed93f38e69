"""What is derived from a password is stored as its SHA-256, so that nobody can prove with a stored value that they know the
password."""

from django.db import migrations

DIGEST = """
CREATE FUNCTION oyl_password_digest(derived text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(derived, '[^$]*$', '') || encode(sha256(convert_to(derived, 'UTF8')), 'hex')
$$;
UPDATE password_hashes SET encoded = oyl_password_digest(encoded);
"""
MATCHES = """
CREATE OR REPLACE FUNCTION oyl_password_matches(of_user uuid, derived text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM password_hashes p WHERE p.user_id = of_user AND p.encoded = oyl_password_digest(derived)
    )
$$;
"""
STORE = """
CREATE OR REPLACE FUNCTION oyl_set_password(of_user uuid, derived text, proof text) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    INSERT INTO password_hashes (user_id, encoded) VALUES (of_user, oyl_password_digest(derived))
    ON CONFLICT (user_id) DO UPDATE SET encoded = EXCLUDED.encoded;
    UPDATE users SET password_changed_at = changed WHERE id = of_user;
    RETURN changed;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_columns_of_users"),
    ]

    operations = [
        migrations.RunSQL(DIGEST, migrations.RunSQL.noop),
        migrations.RunSQL(MATCHES, migrations.RunSQL.noop),
        migrations.RunSQL(STORE, migrations.RunSQL.noop),
    ]
