"""`reconcile` finds and repairs all kinds of inconsistencies, and reports nothing else; quickly, and in little memory.

`make consistency` is the long version."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from knowledge.reconcile import comparison
from knowledge.reconcile.findings import FindingKind
from tests.conftest import Person, make_owner
from tests.knowledge.libraries import make_library
from tests.proof.conftest import Report, Size
from tests.proof.consistency.concurrent_changes import compare_during_changes, false_alarms_row
from tests.proof.consistency.corpus import make_corpus
from tests.proof.consistency.finding import find_all
from tests.proof.consistency.planting import PLANT_FUNCTIONS
from tests.proof.consistency.scaling import (
    MAX_GROWTH,
    MAX_SECONDS,
    TableOwner,
    cost_rows,
    growth,
    measure,
    seconds_for_a_million,
)

SEED = 3


def test_every_kind_can_be_planted() -> None:
    assert list(PLANT_FUNCTIONS) == list(FindingKind)


def test_consistency(
    size: Size,
    report: Report,
    owner: Person,
    stranger: Person,
    table_owner: TableOwner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Several pages also in the suite.
    monkeypatch.setattr(comparison, "PAGE_SIZE", size(50, comparison.PAGE_SIZE))
    rng = random.Random(SEED)
    corpus = make_corpus(make_library(owner, tmp_path / "own"), size(15, 1000), rng)
    foreign = make_corpus(make_library(stranger, tmp_path / "foreign"), 1, rng)
    finding_rows = find_all(corpus, foreign)
    comparisons = compare_during_changes(foreign.library, size(4, 100), rng)
    costs = measure(make_owner(), [size(1000, 20_000), size(1500, 50_000), size(2500, 100_000)], table_owner)
    report("consistency", [*finding_rows, false_alarms_row(comparisons), *cost_rows(costs)])
    tolerance = size(10, 1)  # the suite shares its machine
    assert seconds_for_a_million(costs) <= MAX_SECONDS * tolerance
    assert growth(costs) <= MAX_GROWTH * tolerance
    assert costs[-1].peak_bytes <= MAX_GROWTH * costs[0].peak_bytes
