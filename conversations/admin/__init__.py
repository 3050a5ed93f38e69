"""The admin of conversations: the chat page, the trace of an answer, lists, how long conversations are kept, and routing."""

from conversations.admin import records, traces  # noqa: F401 (register their pages)
