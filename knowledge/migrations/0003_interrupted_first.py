"""The jobs whose workers died are found among millions that wait."""

from django.db import migrations, models

import tenants.models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_due_tenants")]
    operations = [
        migrations.AddIndex(
            model_name="ingestionjob",
            index=tenants.models.Index(
                condition=models.Q(state="running"),
                fields=["tenant", "available_at"],
                name="idx_ingestion_jobs_running",
            ),
        )
    ]
