"""What the errors of work are about."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """The cause of an error."""

    FILE = "file"
    WORK = "work"
    SERVICE = "service"
    ADDRESS = "address"
    UPLOAD = "upload"
    CHAT = "chat"
    CONNECTOR = "connector"
    WORKFLOW = "workflow"
    WEBHOOK = "webhook"
    TABLE = "table"
