"""What the documentation shows integrators does what it says, as it stands there; and OpenAI's own JavaScript client
finds at `/v1/` what it knows (javascript/client.mjs)."""

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

PASSAGE = "After a paper jam, open the rear cover and pull the sheet out slowly."
PACKAGE = Path(__file__).parent / "javascript"
PROGRAMS = {"sh": ["sh"], "python": [sys.executable], "javascript": ["node", "--input-type=module"]}
NEEDED = {"sh": "curl", "python": sys.executable, "javascript": "node"}

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def environment(owner: Person, address: str) -> dict[str, str]:
    scopes = ["workspaces:write", "knowledge:write"]
    made = create_api_key(actor=owner.actor, name="Integrator", scopes=scopes)
    return {"PATH": os.environ["PATH"], "OYL_URL": address, "OYL_KEY": made.secret}


@pytest.fixture
def node_modules() -> Path:
    """OpenAI's package, as the lock has it: installed once, by one process at a time."""
    if not (npm := shutil.which("npm")):
        pytest.skip("there is no npm here")
    lock, installed = PACKAGE / "package-lock.json", PACKAGE / "node_modules/.package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=PACKAGE, check=True)
    return PACKAGE / "node_modules"


def examples(page: str, language: str) -> str:
    """All of the page's, one after the other."""
    text = (settings.BASE_DIR / "docs" / page).read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert found
    return "".join(found)


def run(language: str, code: str, folder: Path, environment: dict[str, str]) -> str:
    """What it prints."""
    if not shutil.which(NEEDED[language]):
        pytest.skip(f"there is no {NEEDED[language]} here")
    ran = subprocess.run(
        PROGRAMS[language],
        input=code,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return ran.stdout


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_quickstart_finds_the_passage_also_a_second_time(language, environment, tmp_path):
    code = examples("api.md", language)
    for _ in range(2):
        printed = run(language, code, tmp_path, environment)
        assert "done" in printed and printed.count(PASSAGE) == 1


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_openais_clients_find_it_too(language, owner: Person, environment, tmp_path, request):
    create_workspace(actor=owner.actor, name="Main")
    if language == "javascript":
        (tmp_path / "node_modules").symlink_to(request.getfixturevalue("node_modules"))
    printed = run(language, examples("openai.md", language), tmp_path, environment)
    assert printed.endswith(f" printer.md {PASSAGE}\n")


def test_openais_javascript_client_finds_what_it_knows(node_modules: Path, owner: Person, environment):
    create_workspace(actor=owner.actor, name="Main")
    run("javascript", (PACKAGE / "client.mjs").read_text(), PACKAGE, environment)
