from core.apps import Area, OylAppConfig, Privileges, Schedule, SidebarPage
from jobs.apps import due_jobs_lookups


class WorkflowsConfig(OylAppConfig):
    name = "workflows"
    areas = (Area("workflows"),)
    lookups = due_jobs_lookups("workflow_runs", "trigger_events")
    privileges = {"workflow_versions": Privileges(update=())}
    job_handlers = ("workflows.engine.handler.RunHandler", "workflows.triggers.handler.EventHandler")
    schedules = (
        Schedule(
            name="delete-old-trigger-events",
            task="workflows.tasks.delete_old_trigger_events",
            every=3600.0,
            expires=600.0,
        ),
    )
    sidebar = (
        SidebarPage(section="Workflows", icon="account_tree", model="workflows.workflow"),
        SidebarPage(section="Workflows", icon="approval", model="workflows.approval"),
        SidebarPage(section="Workflows", icon="bolt", model="workflows.trigger"),
        SidebarPage(section="Workflows", icon="play_circle", model="workflows.workflowrun"),
    )
    routes = "workflows.api.ROUTES"
    on_deletion = "workflows.services.deleting.delete_parts"
    on_events = "workflows.triggers.happenings.on_events"
