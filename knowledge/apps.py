from core.apps import Area, OylAppConfig, Schedule, SidebarPage
from jobs.apps import due_jobs_lookups


class KnowledgeConfig(OylAppConfig):
    name = "knowledge"
    areas = (Area("knowledge"),)
    guards = ("documents.number_change",)
    bound_kinds = {"reference": "knowledge.Reference"}
    lookups = due_jobs_lookups("ingestion_jobs", "reembeddings", "connector_runs", "bulk_changes")
    job_handlers = (
        "knowledge.ingestion.handler.IngestionHandler",
        "knowledge.reembedding.handler.ReembeddingHandler",
        "knowledge.connectors.handler.ConnectorHandler",
        "knowledge.bulk.handler.BulkHandler",
    )
    schedules = (
        Schedule(
            name="sweep-work-files", task="knowledge.tasks.sweep_work_files", every=600.0, expires=600.0
        ),
        Schedule(name="clear-uploads", task="knowledge.tasks.clear_uploads", every=600.0, expires=600.0),
    )
    sidebar = (
        SidebarPage(section="Knowledge", icon="description", model="knowledge.document"),
        SidebarPage(section="Knowledge", icon="library_books", model="knowledge.reference"),
        SidebarPage(section="Knowledge", icon="hub", model="knowledge.knowledgebase"),
        SidebarPage(section="Knowledge", icon="sync", model="knowledge.connector"),
        SidebarPage(section="Knowledge", icon="sell", model="knowledge.tag"),
        SidebarPage(section="Knowledge", title="Trash", icon="delete", view="trash"),
        SidebarPage(section="Knowledge", title="Try a search", icon="search", view="try_search"),
        SidebarPage(section="Knowledge", icon="quiz", model="knowledge.evaluationset"),
        SidebarPage(section="System", icon="done_all", model="knowledge.bulkchange"),
        SidebarPage(section="System", icon="manufacturing", model="knowledge.ingestionjob"),
    )
    routes = "knowledge.api.ROUTES"
    usage = "knowledge.usage.figures"
    stored = "knowledge.stored.stored"
    home = "knowledge.home.home"
    openai_urls = "knowledge.openai.urls.urlpatterns"
