"""What can go wrong with a delivery, and with a subscription."""

from __future__ import annotations

from core.errors import ConflictError, EngineError, InvalidError


class DeliveryError(EngineError):
    """The receiver has not taken a message."""


class WebhookAddressError(InvalidError):
    """Give a full address that begins with https:// or http://, without a user name or password in it."""

    field = "url"


class WebhookUnreadableError(InvalidError):
    """The webhook's address and secret cannot be read, because their encryption key is gone. Enter the address again."""


class DeliveryStateError(ConflictError):
    """This is not possible in the delivery's present state."""
