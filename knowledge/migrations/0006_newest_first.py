"""Long lists begin with what is newest."""

from django.db import migrations

import tenants.models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0005_files"),
        ("tenants", "0004_idempotency_keys"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="chunk",
            index=tenants.models.Index(fields=["tenant", "-created_at"], name="idx_chunks_tenant_created"),
        ),
        migrations.AddIndex(
            model_name="ingestionjob",
            index=tenants.models.Index(
                fields=["tenant", "-created_at"], name="idx_ingestion_jobs_tenant_created"
            ),
        ),
        migrations.AddIndex(
            model_name="taglink",
            index=tenants.models.Index(fields=["tenant", "-created_at"], name="idx_tag_links_tenant_created"),
        ),
    ]
