from core.apps import Area, OylAppConfig, Schedule, SidebarPage
from jobs.apps import due_jobs_lookups


class WorkspacesConfig(OylAppConfig):
    name = "workspaces"
    areas = (Area("workspaces"),)
    bound_kinds = {"workspace": "workspaces.Workspace"}
    lookups = due_jobs_lookups("data_imports")
    job_handlers = ("workspaces.data_sources.handler.DataImportHandler",)
    schedules = (
        Schedule(
            name="remove-data-files", task="workspaces.tasks.remove_data_files", every=3600.0, expires=600.0
        ),
    )
    sidebar = (
        SidebarPage(section="Organisation", icon="workspaces", model="workspaces.workspace"),
        SidebarPage(section="Organisation", icon="table_chart", model="workspaces.datasource"),
        SidebarPage(
            section="Organisation",
            icon="database",
            model="workspaces.databasequery",
        ),
        SidebarPage(
            section="Organisation",
            icon="electrical_services",
            model="workspaces.integrationconfig",
        ),
        SidebarPage(section="Organisation", icon="payments", model="workspaces.modelprice"),
    )
    routes = "workspaces.api.ROUTES"
    usage = "workspaces.usage.figures"
    home = "workspaces.home.home"
    on_deletion = "workspaces.data_sources.deleting.delete_imports"
    stored = "workspaces.data_sources.stored.stored"
