"""Clients that generators make of the OpenAPI document: they compile, and do what integrators do first."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from oyl.openapi import document
from tests.contracts.clients.programs import HERE, NODE, call, node_modules, python_of

TYPES = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]
RULES = {
    "extends": ["spectral:oas"],
    "rules": {"path-keys-no-trailing-slash": "off"},  # addresses end with a slash
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(document()))
    return path


def test_spectral_has_no_warnings(schema: Path):
    (schema.parent / "rules.json").write_text(json.dumps(RULES))
    spectral = node_modules("spectral") / "@stoplight/spectral-cli/dist/index.js"
    lint: list[str | Path] = [NODE, spectral, "lint", "--fail-severity", "hint", "-r", "rules.json", schema]
    call(lint, schema.parent, dict(os.environ))


@pytest.mark.usefixtures("worker")
def test_generated_python_client_works(schema: Path, environment: dict[str, str]):
    python, folder = python_of("frameworks"), schema.parent
    tools = {**environment, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    make: list[str | Path] = [
        python.parent / "openapi-python-client",
        "generate",
        "--path",
        schema,
        "--fail-on-warning",
    ]
    call([*make, "--meta", "none", "--output-path", "oyl_client"], folder, tools)
    shutil.copy(HERE / "python/generated.py", folder)
    call([python, "-m", "mypy", "--strict", "--follow-imports", "silent", "generated.py"], folder, tools)
    call([python, "generated.py"], folder, tools)


@pytest.mark.usefixtures("worker")
def test_generated_types_of_typescript_work(schema: Path, environment: dict[str, str]):
    packages, folder = node_modules("javascript"), schema.parent
    (folder / "node_modules").symlink_to(packages)
    (folder / "package.json").write_text('{"type": "module"}')
    call(
        [
            NODE,
            packages / "openapi-typescript/bin/cli.js",
            schema,
            "-o",
            "oyl.d.ts",
            "--default-non-nullable=false",
        ],
        folder,
        environment,
    )
    shutil.copy(HERE / "javascript/generated.ts", folder)
    call([NODE, packages / "typescript/bin/tsc", *TYPES, "generated.ts"], folder, environment)
    call([NODE, "generated.ts"], folder, environment)  # Node leaves the types out
