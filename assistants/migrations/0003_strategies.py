"""Configurations of teammates with strategies of before: `single` was the first of the assistants, `best_match` the one whose
knowledge fits best. The model was a name."""

from django.db import migrations

# Row-level security is forced also for the tables' owner, who would see no rows.
RENAME = """
ALTER TABLE teammates NO FORCE ROW LEVEL SECURITY;
UPDATE teammates SET orchestration_config = jsonb_set(
    orchestration_config, '{strategy}',
    CASE orchestration_config ->> 'strategy' WHEN 'single' THEN '"priority"'::jsonb ELSE '"similarity"'::jsonb END
) WHERE orchestration_config ->> 'strategy' IN ('single', 'best_match');
UPDATE teammates SET orchestration_config = jsonb_set(
    orchestration_config, '{model}', jsonb_build_object('name', orchestration_config -> 'model')
) WHERE jsonb_typeof(orchestration_config -> 'model') = 'string';
ALTER TABLE teammates FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("assistants", "0002_routing")]
    operations = [migrations.RunSQL(RENAME, migrations.RunSQL.noop)]
