"""32 threads send requests of many tenants through five connections, while views fail in many ways: no response contains
another tenant's word."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.proof.conftest import Size
from tests.proof.isolation.figures import WAYS
from tests.proof.isolation.load import THREADS, Tally, connected, send_requests, visitors_of
from tests.proof.isolation.parties import Party, make_party
from tests.proof.isolation.pooler import PROGRAM, pgbouncer

CONNECTIONS = 5
SEED = 20261123


@pytest.fixture(scope="module")
def parties(database: None, tmp_path_factory: pytest.TempPathFactory, size: Size) -> list[Party]:
    return [make_party(tmp_path_factory.mktemp("party")) for _ in range(size(4, 50))]


@pytest.fixture(autouse=True)
def failing_views() -> Iterator[None]:
    """Their errors are intended, and not logged."""
    logging.disable(logging.CRITICAL)
    with override_settings(ROOT_URLCONF="tests.proof.isolation.failing_views"):
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("way", WAYS if PROGRAM else ["pool"])  # Debian: apt install pgbouncer
def test_responses_under_load_contain_no_foreign_words(
    way: str, parties: list[Party], size: Size, counted: Counter[str]
):
    params = connections["default"].settings_dict
    bouncer: Any = pgbouncer(params, size=CONNECTIONS) if way == "pgbouncer" else nullcontext({})
    visitors, started = visitors_of(parties), time.monotonic()
    with bouncer as overrides, connected(size=THREADS if overrides else CONNECTIONS, **overrides):
        tally = send_requests(visitors, size(240, 100_000), seed=SEED)
    counted[f"{way}: requests"] = tally.kinds.total()
    counted[f"{way}: own"] = tally.own
    counted[f"{way}: foreign"] = len(tally.foreign)
    counted[f"{way}: seconds"] = round(time.monotonic() - started)
    check(tally, parties)


def check(tally: Tally, parties: list[Party]) -> None:
    assert tally.foreign == []
    assert tally.unexpected == {}
    assert tally.own > tally.kinds.total() / 3
    for party in parties:
        with tenant_scope(party.tenant_id):
            assert [*Document.objects.values_list("filename", flat=True)] == [party.word]
