# The rows of data sources that answers stand on. PostgreSQL does not change the expression of a generated column.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_figures_of_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="tables_json",
            field=models.JSONField(default=list, verbose_name="rows of tables"),
        ),
        migrations.RemoveField(model_name="message", name="has_sources"),
        migrations.AddField(
            model_name="message",
            name="has_sources",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.ExpressionWrapper(
                    models.Q(
                        models.Q(("citations_json", []), _negated=True),
                        models.Q(("tables_json", []), _negated=True),
                        _connector="OR",
                    ),
                    output_field=models.BooleanField(),
                ),
                output_field=models.BooleanField(),
            ),
        ),
    ]
