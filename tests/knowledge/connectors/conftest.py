from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.outbound.servers import PUBLIC
from tests.knowledge.connectors.benches import Bench
from tests.knowledge.libraries import Library
from tests.support.api_client import Caller


@pytest.fixture
def bench(library: Library, caller: Caller, settings: Any) -> Bench:
    """The servers of the tests are at an address that stands for the public internet."""
    settings.OUTBOUND_ALLOW = [f"{PUBLIC}/32"]
    return Bench(library, caller)


# Debian's openssh-server and dovecot-imapd may be absent.
collect_ignore = (
    [] if all(map(Path.exists, map(Path, ("/usr/sbin/sshd", "/usr/sbin/dovecot")))) else ["test_servers.py"]
)
