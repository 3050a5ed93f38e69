"""Every operation of the OpenAPI document gets valid and invalid requests, and sequences of them; each response must be
documented, and none may be a server error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from core.api import events
from oyl.routes import ROUTES
from tests.conftest import Person, make_owner
from tests.proof.conftest import Report, Size
from tests.proof.fuzz.api import fuzz_schema
from tests.proof.fuzz.results import ACCEPTED, SEQUENCES, SERVER_ERROR, FuzzResults
from tests.support.server import running_server

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def results() -> FuzzResults:
    """The results of all tests of this process."""
    return FuzzResults()


@pytest.fixture(scope="module")
def address(database: None) -> Iterator[str]:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "MAX_SECONDS", 0.02)  # no worker processes what is uploaded here
        patched.setattr(events, "POLL_SECONDS", (0.01, 0.01))
        with running_server() as address:
            yield address
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ROUTES)
def test_operation_answers_as_documented(
    name: str, owner: Person, address: str, size: Size, results: FuzzResults
):
    phases = ["examples", "coverage", "fuzzing"]
    options: dict[str, Any] = {
        "examples": size(3, 1250),
        "phases": phases,
        "covered": "all" if size(0, 1) else "positive",
    }
    schema = fuzz_schema(owner, address, **options).include(tag=name)
    check(results.run(schema))


def test_sequences_answer_as_documented(address: str, size: Size, results: FuzzResults):
    """Several runs: Schemathesis ends a run when the examples that it draws from change."""
    enough, seeds = results.cases[SEQUENCES] + size(450, 30_000), iter(range(1, 1_000))
    while results.cases[SEQUENCES] < enough:
        schema = fuzz_schema(make_owner(), address, examples=200, phases=[SEQUENCES], seed=next(seeds))
        check(results.run(schema))


def check(found: list[str]) -> None:
    assert not found, "\n\n".join([f"{len(found)} answers are not as described.", *found[:10]])


def test_enough_requests_are_sent(
    results: FuzzResults, size: Size, report: Report, request: pytest.FixtureRequest
):
    cases = results.cases.total()
    others = results.failures.total() - results.failures[SERVER_ERROR] - results.failures[ACCEPTED]
    rows = [
        {"What": "Requests", "Measured": f"{cases:,}", "Target": "≥ 100,000"},
        *(
            {"What": f"… {phase}", "Measured": f"{count:,}", "Target": ""}
            for phase, count in results.cases.items()
        ),
        {"What": "Answers by status", "Measured": _listed(results), "Target": ""},
        {"What": "Errors of the server", "Measured": str(results.failures[SERVER_ERROR]), "Target": "0"},
        {"What": "Answers that are not as described", "Measured": str(others), "Target": "0"},
        {
            "What": "Data that should be refused and were not",
            "Measured": str(results.failures[ACCEPTED]),
            "Target": "0",
        },
    ]
    report("fuzz", rows)
    is_part = hasattr(request.config, "workerinput")  # other processes sent the rest
    assert is_part or cases >= size(1_500, 100_000)


def _listed(results: FuzzResults) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in sorted(results.answers.items()))
