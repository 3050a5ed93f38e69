"""The embedded services are tested also where the suite itself runs on servers."""

from __future__ import annotations

import os

import pytest

collect_ignore = [] if os.geteuid() == 0 else ["test_root.py"]
SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "QDRANT_URL")


@pytest.fixture(autouse=True)
def no_servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that these tests start use no server."""
    if request.path.name.startswith(("test_embedded", "test_root", "test_up")):
        for name in SERVERS:
            monkeypatch.delenv(name, raising=False)
