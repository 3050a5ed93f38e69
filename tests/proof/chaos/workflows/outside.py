"""What runs call outside of OYL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses of the service that notes effects, and of a chat model."""

    effects: str
    chat: str
