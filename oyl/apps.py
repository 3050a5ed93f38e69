from django.contrib.admin import apps as admin

from core.apps import OylAppConfig


class OylConfig(OylAppConfig):
    name = "oyl"
    verbose_name = "OYL"
    routes = "oyl.api.ROUTES"

    def ready(self) -> None:
        from oyl.celery import app, beat_schedule

        app.conf.beat_schedule = beat_schedule()


class OylAdminConfig(admin.AdminConfig):
    """Django's admin with OYL's own admin site."""

    default = False
    default_site = "oyl.site.OylAdminSite"
