"""The examples in the documentation work, in every language whose program is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Person
from tests.contracts.clients.programs import ANSWER, AVAILABLE_LANGUAGES, examples, run
from workspaces.services import create_workspace

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize("language", AVAILABLE_LANGUAGES)
def test_quickstart_example_can_be_run_twice(language: str, environment: dict[str, str], tmp_path: Path):
    code = examples("api.md", language)
    for _ in range(2):
        output = run(language, code, tmp_path, environment)
        assert "done" in output and output.count(ANSWER) == 1


def test_openai_example_finds_the_answer(owner: Person, environment: dict[str, str], tmp_path: Path):
    create_workspace(actor=owner.actor, name="Main")
    output = run("python", examples("openai.md", "python"), tmp_path, environment)
    assert output.endswith(f" printer.md {ANSWER}\n")
