from core.apps import Area, OylAppConfig, Schedule, SidebarPage


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
    sidebar = (
        SidebarPage(section="Assistants", title="Chat", icon="chat", view="chat"),
        SidebarPage(
            section="Assistants",
            icon="forum",
            model="conversations.conversation",
        ),
        SidebarPage(section="Assistants", icon="thumbs_up_down", model="conversations.feedback"),
        SidebarPage(
            section="Organisation",
            icon="auto_delete",
            model="conversations.retention",
        ),
        SidebarPage(section="System", icon="sms", model="conversations.message"),
        SidebarPage(section="System", icon="timeline", model="conversations.trace"),
    )
    routes = "conversations.api.ROUTES"
    actions = "conversations.api.ACTIONS"
    openai_urls = "conversations.openai.urls.urlpatterns"
    usage = "conversations.usage.figures"
    home = "conversations.home.home"
