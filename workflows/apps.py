from core.apps import Area, OylAppConfig, SidebarPage


class WorkflowsConfig(OylAppConfig):
    name = "workflows"
    areas = (Area("workflows"),)
    sidebar = (
        SidebarPage(section="Workflows", title="Workflows", icon="account_tree", model="workflows.workflow"),
        SidebarPage(section="Workflows", title="Runs", icon="play_circle", model="workflows.workflowrun"),
    )
    routes = "workflows.api.ROUTES"
