"""Runs a harness in a process and an instance of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.proof.chaos.scale import Scale


def run(module: str, scale: Scale, *arguments: str, timeout: float) -> Any:
    """`python -m MODULE SCALE OUT ARGUMENTS`; returns the JSON that it has written to OUT."""
    with tempfile.TemporaryDirectory(prefix="oyl-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL runs as another user
        own_services = {
            "OYL_DATA_DIR": folder,
            "DATABASE_URL": "",
            "DATABASE_OWNER_URL": "",
            "REDIS_URL": "",
            "QDRANT_URL": "",
            "PYTEST_XDIST_WORKER": "chaos",  # so that tests.environment keeps OYL_DATA_DIR as it is
        }
        out = Path(folder) / "results.json"
        process = subprocess.run(
            [sys.executable, "-m", module, scale.dumps(), str(out), *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **own_services},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert process.returncode == 0, process.stderr[-4000:]
        return json.loads(out.read_text())
