from core.apps import Area, OylAppConfig, SidebarPage


class AssistantsConfig(OylAppConfig):
    name = "assistants"
    areas = (Area("assistants"),)
    bound_kinds = {"assistant": "assistants.Assistant"}
    sidebar = (
        SidebarPage(section="Assistants", icon="smart_toy", model="assistants.assistant"),
        SidebarPage(section="Assistants", icon="groups", model="assistants.teammate"),
        SidebarPage(
            section="Assistants",
            icon="edit_note",
            model="assistants.instruction",
        ),
    )
    routes = "assistants.api.ROUTES"
    usage = "assistants.usage.figures"
