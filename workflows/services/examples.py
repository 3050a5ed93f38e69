"""The examples of workflows that OYL has, as YAML files."""

from __future__ import annotations

from pathlib import Path

import yaml

from core.actors import Actor
from core.errors import NotFoundError
from workflows.models import Workflow
from workflows.services.yaml_form import import_yaml
from workspaces.models import Workspace

FOLDER = Path(__file__).parents[1] / "examples"


def example_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def described_examples() -> list[dict[str, str]]:
    """The name and purpose of each."""
    given = {name: yaml.safe_load(_text_of(name)) for name in example_names()}
    return [{"name": name, "description": one["description"]} for name, one in given.items()]


def add_example(name: str, *, workspace: Workspace, actor: Actor) -> Workflow:
    """A draft. Raises NotFoundError, ForbiddenError, InvalidError."""
    if name not in example_names():
        raise NotFoundError(f"There is no example '{name}'. There are: {', '.join(example_names())}.")
    return import_yaml(_text_of(name), workspace=workspace, actor=actor)


def _text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
