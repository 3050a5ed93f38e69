from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.admin import apps as admin
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

from core.apps import OylAppConfig, Schedule, SidebarPage


class OylConfig(OylAppConfig):
    name = "oyl"
    verbose_name = "OYL"
    shared_tables = {
        "django_celery_results_taskresult": "results of background tasks, for operators; ids and numbers only",
        "django_celery_results_groupresult": "of Celery's groups of tasks, which OYL has none of",
        "django_celery_results_chordcounter": "of Celery's chords of tasks, which OYL has none of",
    }
    schedules = (
        Schedule(
            name="celery.backend_cleanup", task="celery.backend_cleanup", every=86_400.0, expires=3600.0
        ),
    )
    sidebar = (
        SidebarPage(
            section="System",
            icon="task_alt",
            model="django_celery_results.taskresult",
        ),
    )
    routes = "oyl.api.ROUTES"

    def ready(self) -> None:
        from oyl.celery import app, beat_schedule

        app.conf.beat_schedule = beat_schedule()


class OylAdminConfig(admin.SimpleAdminConfig):
    """Django's admin with OYL's own admin site. Its pages are loaded with the addresses (oyl/urls.py): a worker has none."""

    default = False
    default_site = "oyl.site.OylAdminSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """Django's checks of the admin's pages, which are loaded first."""
    import_module(settings.ROOT_URLCONF)
    return check_admin_app(app_configs, **options)
