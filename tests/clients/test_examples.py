"""The examples in the documentation work; so does OpenAI's JavaScript client at `/v1/` (javascript/client.mjs)."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tenants.services import create_api_key
from tests.conftest import Person
from workspaces.services import create_workspace

ANSWER = "After a paper jam, open the rear cover and pull the sheet out slowly."
PACKAGE = Path(__file__).parent / "javascript"
COMMANDS = {"sh": ["sh"], "python": [sys.executable], "javascript": ["node", "--input-type=module"]}
REQUIRED_PROGRAMS = {"sh": "curl", "python": sys.executable, "javascript": "node"}

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def environment(owner: Person, address: str) -> dict[str, str]:
    scopes = ["workspaces:write", "knowledge:write"]
    key = create_api_key(actor=owner.actor, name="Integrator", scopes=scopes)
    return {"PATH": os.environ["PATH"], "OYL_URL": address, "OYL_KEY": key.secret}


@pytest.fixture
def node_modules() -> Path:
    """OpenAI's package of the lock file, installed once, by one process at a time."""
    if not (npm := shutil.which("npm")):
        pytest.skip("there is no npm here")
    lock, installed = PACKAGE / "package-lock.json", PACKAGE / "node_modules/.package-lock.json"
    with lock.open() as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=PACKAGE, check=True)
    return PACKAGE / "node_modules"


def examples(page: str, language: str) -> str:
    """All examples of the page in the language, as one script."""
    text = (settings.BASE_DIR / "docs" / page).read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert blocks
    return "".join(blocks)


def run(language: str, code: str, folder: Path, environment: dict[str, str]) -> str:
    """Run the script and return its output."""
    if not shutil.which(REQUIRED_PROGRAMS[language]):
        pytest.skip(f"there is no {REQUIRED_PROGRAMS[language]} here")
    process = subprocess.run(
        COMMANDS[language],
        input=code,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, ""), process
    return process.stdout


@pytest.mark.parametrize("language", COMMANDS)
def test_quickstart_example_can_be_run_twice(language, environment, tmp_path):
    code = examples("api.md", language)
    for _ in range(2):
        output = run(language, code, tmp_path, environment)
        assert "done" in output and output.count(ANSWER) == 1


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_openai_examples_find_the_answer(language, owner: Person, environment, tmp_path, request):
    create_workspace(actor=owner.actor, name="Main")
    if language == "javascript":
        (tmp_path / "node_modules").symlink_to(request.getfixturevalue("node_modules"))
    output = run(language, examples("openai.md", language), tmp_path, environment)
    assert output.endswith(f" printer.md {ANSWER}\n")


def test_openai_javascript_client(node_modules: Path, owner: Person, environment):
    create_workspace(actor=owner.actor, name="Main")
    run("javascript", (PACKAGE / "client.mjs").read_text(), PACKAGE, environment)
