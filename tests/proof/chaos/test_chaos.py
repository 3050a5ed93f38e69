"""An ingest by four workers, while everything that can be killed is killed, again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from tests.proof.chaos.scale import LONG, SMALL
from tests.proof.conftest import Report

DATA: Path = settings.BASE_DIR.parent / "shared" / "data"
SECONDS = {SMALL: 1200, LONG: 7200}


def test_nothing_is_lost_doubled_stuck_or_found_again(request: pytest.FixtureRequest, report: Report) -> None:
    scale = LONG if request.config.getoption("--long") else SMALL
    data = [str(DATA)] if scale.real and DATA.exists() else []
    with tempfile.TemporaryDirectory(prefix="oyl-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL runs as another user
        own = {
            "OYL_DATA_DIR": folder,
            "DATABASE_URL": "",
            "DATABASE_OWNER_URL": "",
            "REDIS_URL": "",
            "QDRANT_URL": "",
        }
        out = Path(folder) / "verdict.json"
        done = subprocess.run(
            [sys.executable, "-m", "tests.proof.chaos", scale.dumps(), str(out), *data],
            cwd=settings.BASE_DIR,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=SECONDS[scale],
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        verdict = json.loads(out.read_text())
    report("chaos", verdict["rows"])
    assert verdict["broken"] == []
