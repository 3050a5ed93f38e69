from core.apps import Area, OylAppConfig


class ConversationsConfig(OylAppConfig):
    name = "conversations"
    areas = (Area("conversations"),)
