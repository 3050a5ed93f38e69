"""What concerns an account asks for all of its tenants, also for those in which the person is suspended."""

from django.db import migrations

from core.isolation.migrations import lookup_function


class Migration(migrations.Migration):
    dependencies = [("tenants", "0013_user_words")]
    operations = [
        lookup_function(
            "oyl_every_tenant_of(of_user uuid)",
            returns="SETOF uuid",
            body="SELECT tenant_id FROM memberships WHERE user_id = of_user",
            reads={"memberships": ("tenant_id", "user_id")},
        ),
    ]
