"""Sessions are stored under the SHA-256 of their keys. All sessions end: their keys were in statements that could be read."""

from django.db import migrations

WIDEN = """
DELETE FROM django_session;
ALTER TABLE django_session ALTER COLUMN session_key TYPE varchar(64);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0005_django_tables_read_only"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(WIDEN, migrations.RunSQL.noop)]
