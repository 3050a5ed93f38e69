"""Ingestion by four workers, while workers and services are killed again and again."""

from __future__ import annotations

import pytest

from tests.environment import SHARED
from tests.proof.chaos import own_instance
from tests.proof.chaos.scale import LONG, SMALL
from tests.proof.conftest import Report

DATA = SHARED / "data"
TIMEOUT_SECONDS = {SMALL: 1200, LONG: 7200}


def test_kills_lose_and_duplicate_nothing(request: pytest.FixtureRequest, report: Report) -> None:
    scale = LONG if request.config.getoption("--long") else SMALL
    data = [str(DATA)] if scale.real and DATA.exists() else []
    results = own_instance.run("tests.proof.chaos", scale, *data, timeout=TIMEOUT_SECONDS[scale])
    report("chaos", results["rows"])
    assert results["broken"] == []
