"""Reading the settings writes nothing to disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from oyl.settings import BASE_DIR
from tests.environment import FOR_SERVERS

READ = "from django.conf import settings; settings.INSTALLED_APPS"
SIGNED = "from django.core.signing import Signer; print(Signer().sign('x'))"


def run(code: str, folder: Path) -> str:
    servers = {"DATABASE_URL", "DATABASE_OWNER_URL", *FOR_SERVERS}
    inherited = {name: value for name, value in os.environ.items() if name not in servers}
    environment = {**inherited, "DJANGO_SETTINGS_MODULE": "oyl.settings", "OYL_DATA_DIR": str(folder)}
    return subprocess.check_output([sys.executable, "-c", code], cwd=BASE_DIR, env=environment, text=True)


def test_embedded_secrets_are_made_when_first_used(tmp_path: Path):
    secrets = tmp_path / "data" / "secrets.json"
    run(READ, secrets.parent)
    assert not secrets.parent.exists()
    first = run(SIGNED, secrets.parent)
    assert secrets.exists()
    assert run(SIGNED, secrets.parent) == first
