from core.apps import Area, OylAppConfig, Privileges, SidebarPage
from jobs.apps import due_jobs_lookup


class WorkflowsConfig(OylAppConfig):
    name = "workflows"
    areas = (Area("workflows"),)
    lookups = (due_jobs_lookup("workflow_runs"),)
    privileges = {"workflow_versions": Privileges(update=())}
    job_handlers = ("workflows.engine.handler.RunHandler",)
    sidebar = (
        SidebarPage(section="Workflows", title="Workflows", icon="account_tree", model="workflows.workflow"),
        SidebarPage(section="Workflows", title="Runs", icon="play_circle", model="workflows.workflowrun"),
    )
    routes = "workflows.api.ROUTES"
    on_deletion = "workflows.services.deleting.delete_parts"
