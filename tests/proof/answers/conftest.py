from __future__ import annotations

from tests.conversations.conftest import desk, server

__all__ = ["desk", "server"]
