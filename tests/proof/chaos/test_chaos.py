"""Ingestion by four workers, while workers and services are killed again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from tests.environment import SHARED
from tests.proof.chaos.scale import LONG, SMALL
from tests.proof.conftest import Report

DATA = SHARED / "data"
TIMEOUT_SECONDS = {SMALL: 1200, LONG: 7200}


def test_kills_lose_and_duplicate_nothing(request: pytest.FixtureRequest, report: Report) -> None:
    scale = LONG if request.config.getoption("--long") else SMALL
    data = [str(DATA)] if scale.real and DATA.exists() else []
    with tempfile.TemporaryDirectory(prefix="oyl-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL runs as another user
        own_services = {
            "OYL_DATA_DIR": folder,
            "DATABASE_URL": "",
            "DATABASE_OWNER_URL": "",
            "REDIS_URL": "",
            "QDRANT_URL": "",
        }
        out = Path(folder) / "results.json"
        process = subprocess.run(
            [sys.executable, "-m", "tests.proof.chaos", scale.dumps(), str(out), *data],
            cwd=settings.BASE_DIR,
            env={**os.environ, **own_services},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS[scale],
            check=False,
        )
        assert process.returncode == 0, process.stderr[-4000:]
        results = json.loads(out.read_text())
    report("chaos", results["rows"])
    assert results["broken"] == []
