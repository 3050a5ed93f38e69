"""Of the tables of allauth, the application uses only that of second factors."""

from django.db import migrations

REVOKE = "REVOKE ALL ON account_emailaddress, account_emailconfirmation FROM oyl_app"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0009_suspended_members"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [migrations.RunSQL(REVOKE, migrations.RunSQL.noop)]
