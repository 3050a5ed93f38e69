from core.apps import Area, OylAppConfig, Schedule


class ConversationsConfig(OylAppConfig):
    name = "conversations"
    areas = (Area("conversations"),)
    schedules = (
        Schedule(
            name="end-interrupted-answers",
            task="conversations.tasks.end_interrupted_answers",
            every=60.0,
            expires=60.0,
        ),
        Schedule(
            name="delete-old-conversations",
            task="conversations.tasks.delete_old_conversations",
            every=3600.0,
            expires=600.0,
        ),
    )
    routes = "conversations.api.ROUTES"
    actions = "conversations.api.ACTIONS"
    openai_urls = "conversations.openai.urls.urlpatterns"
    usage = "conversations.usage.figures"
