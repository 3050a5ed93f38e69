"""The order of documents' changes: the trigger numbers every write, by whatever way it is made."""

import django.contrib.postgres.fields
from django.db import migrations, models

import core.isolation.fields

NUMBER = """
CREATE FUNCTION oyl_number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION oyl_number_change();
"""
FORGET = "DROP TRIGGER number_change ON documents; DROP FUNCTION oyl_number_change();"


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0007_reembedding_was_auto"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="changed_in",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="document",
            name="left_references",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), blank=True, default=list, editable=False, size=None
            ),
        ),
        migrations.AddIndex(
            model_name="document",
            index=core.isolation.fields.NamedIndex(
                fields=["tenant", "changed_in", "id"], name="idx_documents_tenant_changed_in"
            ),
        ),
        migrations.RunSQL(NUMBER, FORGET),
    ]
