from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]
    operations = [
        migrations.AlterModelOptions(
            name="filebatch",
            options={"base_manager_name": "objects", "verbose_name_plural": "file batches"},
        ),
        migrations.AddField(model_name="tag", name="vector", field=models.BinaryField(null=True)),
        migrations.AddField(
            model_name="tagrule",
            name="switched_off",
            field=models.CharField(blank=True, editable=False, max_length=500),
        ),
    ]
