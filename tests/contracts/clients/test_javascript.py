"""OpenAI's JavaScript client at `/v1/`, in the newest version and in the lowest that is supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.contracts.clients.programs import ANSWER, HERE, examples, node_modules, run
from tests.conversations.conftest import make_desk
from workspaces.services import create_workspace

PACKAGE = HERE / "javascript"

pytestmark = pytest.mark.usefixtures("worker")
every_version = pytest.mark.parametrize("package", ["openai", "openai-lowest"])


@pytest.fixture(scope="module", autouse=True)
def installed() -> Path:
    return node_modules("javascript")


def test_openai_example_finds_the_passage(
    installed: Path, owner: Person, environment: dict[str, str], tmp_path: Path
):
    create_workspace(actor=owner.actor, name="Main")
    (tmp_path / "node_modules").symlink_to(installed)
    for _ in range(2):
        output = run("javascript", examples("openai.md", "javascript"), tmp_path, environment)
        assert output.endswith(f" printer.md {ANSWER}\n")


@every_version
def test_openai_client_script(package: str, owner: Person, environment: dict[str, str]):
    create_workspace(actor=owner.actor, name="Main")
    run("javascript", (PACKAGE / "client.mjs").read_text(), PACKAGE, {**environment, "CLIENT": package})


@every_version
def test_openai_client_asks_assistants(
    package: str, owner: Person, environment: dict[str, str], tmp_path: Path
):
    make_desk(owner, tmp_path / "own")
    scopes = ["conversations:write", "knowledge:read"]
    key = create_api_key(actor=owner.actor, name="Asks", scopes=scopes).secret
    changes = {"OYL_KEY": key, "CLIENT": package}
    run("javascript", (PACKAGE / "chat.mjs").read_text(), PACKAGE, {**environment, **changes})
