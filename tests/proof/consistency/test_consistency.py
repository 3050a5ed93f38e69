"""`reconcile` finds whatever was put out of order, repairs it, and is content with all else; quickly, and in little memory.

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
from tests.proof.consistency.beside import beside_row, compare_beside
from tests.proof.consistency.corpus import make_corpus
from tests.proof.consistency.finding import find_all
from tests.proof.consistency.plants import PLANTS
from tests.proof.consistency.scaling import (
    LIMIT,
    STEADY,
    TableOwner,
    cost_rows,
    for_a_million,
    growth,
    measure,
)

SEED = 3


def test_every_kind_is_planted() -> None:
    assert list(PLANTS) == list(FindingKind)


def test_consistency(
    size: Size,
    report: Report,
    owner: Person,
    stranger: Person,
    table_owner: TableOwner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        comparison, "PAGE_SIZE", size(50, comparison.PAGE_SIZE)
    )  # several pages of all, also in the suite
    chance = random.Random(SEED)
    ours = make_corpus(make_library(owner, tmp_path / "ours"), size(15, 1000), chance)
    theirs = make_corpus(make_library(stranger, tmp_path / "theirs"), 1, chance)
    found = find_all(ours, theirs)
    compared = compare_beside(theirs.shelf, size(4, 100), chance)
    costs = measure(make_owner(), [size(1000, 20_000), size(1500, 50_000), size(2500, 100_000)], table_owner)
    report("consistency", [*found, beside_row(compared), *cost_rows(costs)])
    patience = size(10, 1)  # the suite shares its machine
    assert for_a_million(costs) <= LIMIT * patience
    assert growth(costs) <= STEADY * patience
    assert costs[-1].peak <= STEADY * costs[0].peak
