"""Names of tenants are not unique in the database: a refusal would reveal the names of others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_operators_apart"),
    ]

    operations = [
        migrations.AlterField(
            model_name="tenant",
            name="name",
            field=models.CharField(max_length=255),
        ),
    ]
