from core.apps import Area, OylAppConfig, SidebarPage


class AssistantsConfig(OylAppConfig):
    name = "assistants"
    areas = (Area("assistants"),)
    bound_kinds = {"assistant": "assistants.Assistant"}
    sidebar = (
        SidebarPage(section="Assistants", title="Assistants", icon="smart_toy", model="assistants.assistant"),
        SidebarPage(section="Assistants", title="Teammates", icon="groups", model="assistants.teammate"),
        SidebarPage(
            section="Assistants",
            title="Published instructions",
            icon="edit_note",
            model="assistants.instruction",
        ),
    )
    routes = "assistants.api.ROUTES"
    usage = "assistants.usage.figures"
