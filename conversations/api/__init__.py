"""Asking, conversations, messages, traces and feedback over REST."""

from conversations.api.asking import AskAssistantMixin, AskTeammateMixin
from conversations.api.conversations import ConversationViewSet, RetentionViewSet
from conversations.api.feedback import FeedbackViewSet
from conversations.api.messages import MessageViewSet, TraceViewSet
from conversations.api.routing import RouteTeammateMixin


class TeammateMixin(AskTeammateMixin, RouteTeammateMixin):
    """Asking a teammate, and who would answer."""


ROUTES = {
    "conversations": ConversationViewSet,
    "messages": MessageViewSet,
    "traces": TraceViewSet,
    "feedback": FeedbackViewSet,
    "conversation-retention": RetentionViewSet,
}
ACTIONS = {"assistants": AskAssistantMixin, "teammates": TeammateMixin}
