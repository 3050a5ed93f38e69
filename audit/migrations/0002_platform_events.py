"""Events that belong to no tenant, which operators alone read."""

from django.db import migrations, models

import core.models

SECURE = """
ALTER TABLE platform_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform_events FORCE ROW LEVEL SECURITY;
CREATE POLICY operators ON platform_events FOR SELECT USING (current_setting('app.platform', true) = 'on');
CREATE POLICY everybody ON platform_events FOR INSERT WITH CHECK (true);
REVOKE UPDATE, DELETE, TRUNCATE ON platform_events FROM oyl_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON platform_events
    FOR EACH ROW EXECUTE FUNCTION oyl_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_events
    FOR EACH STATEMENT EXECUTE FUNCTION oyl_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user_id", models.UUIDField(blank=True, null=True)),
                ("action", models.CharField(max_length=64)),
                ("object_type", models.CharField(blank=True, max_length=64)),
                ("object_id", models.UUIDField(blank=True, null=True)),
                ("payload_json", models.JSONField(default=dict)),
            ],
            options={
                "db_table": "platform_events",
                "indexes": [
                    models.Index(fields=["-created_at"], name="idx_platform_events_created"),
                    models.Index(fields=["action", "-created_at"], name="idx_platform_events_action"),
                ],
            },
        ),
        migrations.RunSQL(SECURE, migrations.RunSQL.noop),
    ]
