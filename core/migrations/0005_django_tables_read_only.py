"""The application's role only reads the tables of Django that it does not write."""

from django.db import migrations

REVOKE = """
REVOKE INSERT, UPDATE, DELETE
ON auth_group, auth_group_permissions, auth_permission, django_admin_log, django_content_type FROM oyl_app
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_quotas"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunSQL(REVOKE, migrations.RunSQL.noop)]
