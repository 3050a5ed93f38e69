"""Rows are added and read, never changed: by grant, and by a trigger should a grant ever be given."""

from django.db import migrations

TABLES = ("audit_logs", "audit_seals")
FUNCTION = """
CREATE FUNCTION oyl_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def protect(table: str) -> str:
    return (
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM oyl_app;"
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION oyl_append_only();"
        f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION oyl_append_only();"
    )


def expose(table: str) -> str:
    return f"DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_truncate ON {table};"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("tenants", "0002_roles")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION oyl_append_only();"),
        *(migrations.RunSQL(protect(table), expose(table)) for table in TABLES),
    ]
