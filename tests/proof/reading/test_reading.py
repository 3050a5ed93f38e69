"""Files of all formats are read as a person would read them: every word, in order, on its page, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engines.parsing import Parser
from knowledge.engine_config import file_parser
from tests.proof.conftest import Report, Size
from tests.proof.reading import collections
from tests.proof.reading.figures import by_format, right_by_fault
from tests.proof.reading.trial import Result, read_all

# What is not right yet: files of ours, and goals as (collection, format, name). A change may only shorten them.
NOT_YET: dict[str, str] = {}
MISSED: set[tuple[str, str, str]] = set()


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    parser = file_parser()
    yield parser
    parser.close()


@pytest.fixture(scope="module")
def own(parser: Parser) -> list[Result]:
    return list(read_all(parser, collections.samples(collections.OWN)))


def test_our_own_files_are_read_right(own: list[Result]) -> None:
    print(*right_by_fault(own).items(), sep="\n")  # shown if an assertion fails
    wrong = {result.sample.name: result.faults for result in own if result.faults}
    assert {name: faults for name, faults in wrong.items() if name not in NOT_YET} == {}
    assert set(NOT_YET) <= set(wrong), "they are read right now: take them out of NOT_YET"


def test_goals_are_reached(own: list[Result], parser: Parser, size: Size, report: Report) -> None:
    results = {"own": own}
    if size(0, 1):
        results |= {name: list(read_all(parser, samples)) for name, samples in collections.public().items()}
    figures = [one for name, some in results.items() for one in by_format(name, some)]
    report("reading", [one.row() for one in figures])
    assert {(one.collection, one.format, goal) for one in figures for goal in one.missed} - MISSED == set()
