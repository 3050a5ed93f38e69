from django.contrib.admin import apps as admin

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
            title="Task results",
            icon="task_alt",
            model="django_celery_results.taskresult",
        ),
    )
    routes = "oyl.api.ROUTES"

    def ready(self) -> None:
        from oyl.celery import app, beat_schedule

        app.conf.beat_schedule = beat_schedule()


class OylAdminConfig(admin.AdminConfig):
    """Django's admin with OYL's own admin site."""

    default = False
    default_site = "oyl.site.OylAdminSite"
