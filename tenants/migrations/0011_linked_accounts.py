"""Of the tables of allauth's sign-in by providers, the application uses only that of linked accounts."""

from django.db import migrations

REVOKE = """
REVOKE ALL ON socialaccount_socialapp, socialaccount_socialtoken FROM oyl_app;
REVOKE UPDATE ON socialaccount_socialaccount FROM oyl_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0010_second_factors"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]
    operations = [migrations.RunSQL(REVOKE, migrations.RunSQL.noop)]
