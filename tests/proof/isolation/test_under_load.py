"""32 threads, many tenants, five connections, and much that goes wrong in between: nobody is told another's word.

The last of the folder, so that its report has what the others counted.
"""

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
from tests.proof.conftest import Report, Size
from tests.proof.isolation.load import THREADS, Tally, bombard, connected, visitors_of
from tests.proof.isolation.parties import Party, make_party
from tests.proof.isolation.pooler import PROGRAM, pgbouncer

CONNECTIONS = 5
SEED = 20261123


@pytest.fixture(scope="module")
def parties(database: None, tmp_path_factory: pytest.TempPathFactory, size: Size) -> list[Party]:
    return [make_party(tmp_path_factory.mktemp("party")) for _ in range(size(4, 50))]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What goes wrong does so on purpose."""
    logging.disable(logging.CRITICAL)
    with override_settings(ROOT_URLCONF="tests.proof.isolation.doors"):
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("way", ["pool", "pgbouncer"])
def test_nobody_is_told_anothers_words(way: str, parties: list[Party], size: Size, counted: Counter[str]):
    if way == "pgbouncer" and not PROGRAM:
        pytest.skip("PgBouncer is not installed (Debian: apt install pgbouncer)")
    facts = connections["default"].settings_dict
    bouncer: Any = pgbouncer(facts, size=CONNECTIONS) if way == "pgbouncer" else nullcontext({})
    visitors, began = visitors_of(parties), time.monotonic()
    with bouncer as where, connected(size=THREADS if where else CONNECTIONS, **where):
        tally = bombard(visitors, size(480, 100_000), seed=SEED)
    _check(tally, parties)
    counted[f"{way}: requests"] = tally.kinds.total()
    counted[f"{way}: own"] = tally.own
    counted[f"{way}: foreign"] = len(tally.foreign)
    counted[f"{way}: seconds"] = round(time.monotonic() - began)


def _check(tally: Tally, parties: list[Party]) -> None:
    assert tally.foreign == []
    assert tally.odd == {}
    assert tally.own > tally.kinds.total() / 3
    for party in parties:
        with tenant_scope(party.tenant_id):
            assert [*Document.objects.values_list("filename", flat=True)] == [party.word]


TRIED = {
    "cells": ("SQL: table × statement × scope", "each answered exactly as it must be"),
    "requests": ("Requests to every route", "none tells a foreign id from an absent one"),
    "ids in fields": ("Ids in fields of forms", "the same"),
    "described places": ("Ids in each place of each operation of the OpenAPI document", "the same"),
    "places below /v1/": ("Ids in each place of each operation for OpenAI's clients", "the same"),
    "foreign cursors": ("Another's cursors", "nothing foreign"),
    "foreign idempotency keys": ("Another's idempotency keys", "as unused ones"),
    "ids in actions": ("Ids in actions on lists", "the same"),
    "filters": ("Filters of lists", "the same"),
    "choices": ("Questions for choices", "nothing foreign"),
    "arguments of commands": ("Arguments of commands", "none tells a foreign id from an absent one"),
    "forged searches": ("Searches with forged filters", "nothing foreign"),
}
KEYS = ("requests", "seconds", "own", "foreign")
WAYS = {"pool": "a pool of 5 connections", "pgbouncer": "PgBouncer with 5 connections"}


def test_the_figures(counted: Counter[str], size: Size, report: Report):
    rows = [
        {"What": what, "Measured": f"{counted[key]:,}", "Target": target}
        for key, (what, target) in TRIED.items()
        if key in counted
    ]
    for way, through in WAYS.items():
        if f"{way}: requests" in counted:
            rows.append(_under_load(through, {key: counted[f"{way}: {key}"] for key in KEYS}))
    assert len(rows) >= size(0, len(TRIED) + len(WAYS))
    report("isolation", rows)


def _under_load(through: str, facts: dict[str, int]) -> dict[str, str]:
    found = f"{facts['own']:,} answers with one's own words, {facts['foreign']} with another's"
    return {
        "What": f"{facts['requests']:,} requests by {THREADS} threads through {through}, in {facts['seconds']:,} s",
        "Measured": found,
        "Target": "0 with another's",
    }
