"""OpenAI's JavaScript client at `/v1/`. The conftest leaves these tests out where Node.js and npm are not installed."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import pytest

from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.contracts.clients.scripts import ANSWER, examples, run
from tests.conversations.conftest import make_desk
from workspaces.services import create_workspace

PACKAGE = Path(__file__).parent / "javascript"

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def node_modules() -> Path:
    """OpenAI's package of the lock file, installed once, by one process at a time."""
    lock, installed = PACKAGE / "package-lock.json", PACKAGE / "node_modules/.package-lock.json"
    with lock.open() as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PACKAGE, check=True)
    return PACKAGE / "node_modules"


def test_openai_example_finds_the_passage(
    node_modules: Path, owner: Person, environment: dict[str, str], tmp_path: Path
):
    create_workspace(actor=owner.actor, name="Main")
    (tmp_path / "node_modules").symlink_to(node_modules)
    output = run("javascript", examples("openai.md", "javascript"), tmp_path, environment)
    assert output.endswith(f" printer.md {ANSWER}\n")


def test_openai_client_script(node_modules: Path, owner: Person, environment: dict[str, str]):
    create_workspace(actor=owner.actor, name="Main")
    run("javascript", (PACKAGE / "client.mjs").read_text(), PACKAGE, environment)


def test_openai_client_asks_assistants(
    node_modules: Path, owner: Person, environment: dict[str, str], tmp_path: Path
):
    make_desk(owner, tmp_path / "own")
    scopes = ["conversations:write", "knowledge:read"]
    key = create_api_key(actor=owner.actor, name="Asks", scopes=scopes).secret
    run("javascript", (PACKAGE / "chat.mjs").read_text(), PACKAGE, {**environment, "OYL_KEY": key})
