from core.apps import Area, OylAppConfig, Schedule, SidebarPage
from jobs.apps import due_jobs_lookups


class WebhooksConfig(OylAppConfig):
    name = "webhooks"
    areas = (Area("webhooks"),)
    lookups = due_jobs_lookups("webhook_deliveries")
    job_handlers = ("webhooks.sending.DeliveryHandler",)
    schedules = (
        Schedule(name="delete-old-deliveries", task="webhooks.tasks.delete_old", every=3600.0, expires=600.0),
    )
    sidebar = (
        SidebarPage(section="Workflows", icon="webhook", model="webhooks.webhooksubscription"),
        SidebarPage(
            section="Workflows",
            icon="outgoing_mail",
            model="webhooks.webhookdelivery",
        ),
    )
    routes = "webhooks.api.ROUTES"
    home = "webhooks.home.home"
    on_deletion = "webhooks.services.end_deliveries"
    on_sealed = "webhooks.outbox.on_sealed"
