"""Every operation of the OpenAPI document is asked what it should and what it should not, and sequences of them; each
answer must be one that the document tells of, and none an error of the server's."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from core.api import events
from oyl.routes import ROUTES
from tests.conftest import Person, make_owner
from tests.proof.conftest import Report, Size
from tests.proof.fuzz.api import fuzz_schema
from tests.proof.fuzz.tally import ACCEPTED, SEQUENCES, SERVER_ERROR, FuzzResults
from tests.server import running_server

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def tally() -> FuzzResults:
    """Of all tests of this process."""
    return FuzzResults()


@pytest.fixture(scope="module")
def address(database: None) -> Iterator[str]:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "MAX_SECONDS", 0.02)  # nobody works off what is uploaded here
        patched.setattr(events, "POLL_SECONDS", 0.01)
        with running_server() as address:
            yield address
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ROUTES)
def test_operation_answers_as_documented(
    name: str, owner: Person, address: str, size: Size, tally: FuzzResults
):
    phases = ["examples", "coverage", "fuzzing"]
    schema = fuzz_schema(owner, address, examples=size(10, 1250), phases=phases).include(tag=name)
    check(tally.run(schema))


def test_sequences_answer_as_documented(address: str, size: Size, tally: FuzzResults):
    """Again and again: Schemathesis ends a run by itself once what it draws from has changed under its feet."""
    wanted, seeds = tally.cases[SEQUENCES] + size(1_500, 30_000), iter(range(1, 1_000))
    while tally.cases[SEQUENCES] < wanted:
        schema = fuzz_schema(make_owner(), address, examples=200, phases=[SEQUENCES], seed=next(seeds))
        check(tally.run(schema))


def check(found: list[str]) -> None:
    assert not found, "\n\n".join([f"{len(found)} answers are not as described.", *found[:10]])


def test_enough_requests_are_sent(
    tally: FuzzResults, size: Size, report: Report, request: pytest.FixtureRequest
):
    cases = tally.cases.total()
    others = tally.failures.total() - tally.failures[SERVER_ERROR] - tally.failures[ACCEPTED]
    rows = [
        {"What": "Requests", "Measured": f"{cases:,}", "Target": "≥ 100,000"},
        *(
            {"What": f"… {phase}", "Measured": f"{count:,}", "Target": ""}
            for phase, count in tally.cases.items()
        ),
        {"What": "Answers by status", "Measured": _listed(tally), "Target": ""},
        {"What": "Errors of the server", "Measured": str(tally.failures[SERVER_ERROR]), "Target": "0"},
        {"What": "Answers that are not as described", "Measured": str(others), "Target": "0"},
        {
            "What": "Data that should be refused and were not",
            "Measured": str(tally.failures[ACCEPTED]),
            "Target": "0",
        },
    ]
    report("fuzz", rows)
    is_part = hasattr(request.config, "workerinput")  # other processes tried the rest
    assert is_part or cases >= size(5_000, 100_000)


def _listed(tally: FuzzResults) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in sorted(tally.answers.items()))
