from core.apps import Area, OylAppConfig, SidebarPage


class WorkspacesConfig(OylAppConfig):
    name = "workspaces"
    areas = (Area("workspaces"),)
    bound_kinds = {"workspace": "workspaces.Workspace"}
    sidebar = (
        SidebarPage(
            section="Organisation", title="Workspaces", icon="workspaces", model="workspaces.workspace"
        ),
        SidebarPage(
            section="Organisation", title="Data sources", icon="table_chart", model="workspaces.datasource"
        ),
        SidebarPage(
            section="Organisation",
            title="Integrations",
            icon="electrical_services",
            model="workspaces.integrationconfig",
        ),
        SidebarPage(
            section="Organisation", title="Model prices", icon="payments", model="workspaces.modelprice"
        ),
    )
    routes = "workspaces.api.ROUTES"
    usage = "workspaces.usage.figures"
    home = "workspaces.home.home"
