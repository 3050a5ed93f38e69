"""`manage.py create_assistant NAME --tenant T --workspace W`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from conversations.services.assistants import prepare_assistant
from core.actors import Actor
from core.commands import TenantCommand, new_name
from core.errors import InvalidError
from knowledge.services.references import find_reference_ids


class Command(TenantCommand):
    help = "Make an assistant that reads references, or bring one up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("name", type=new_name)
        parser.add_argument("--workspace", type=new_name, required=True, metavar="NAME")
        parser.add_argument(
            "--reference", action="append", metavar="NAME_OR_ID", help="what it reads; may be repeated"
        )
        parser.add_argument("--instruction", type=Path, metavar="FILE", help="a text, which is published")
        parser.add_argument(
            "--model",
            help="an integration of the workspace, or `local` for the model file; without it, passages are quoted",
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        names, path = options["reference"], options["instruction"]
        references = None
        if names is not None:
            references = [pk for name in names for pk in find_reference_ids(actor.tenant_id, name)]
        assistant = prepare_assistant(
            actor=actor,
            workspace=options["workspace"],
            name=options["name"],
            references=references,
            instruction=_text_of(path) if path else None,
            model=options["model"],
        )
        return {"id": assistant.pk, "name": assistant.name}

    def describe(self, result: dict[str, Any]) -> str:
        return f"The assistant '{result['name']}' is ready: {result['id']}"


def _text_of(path: Path) -> str:
    """Raises InvalidError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"'{path}' cannot be read as a text: {error}") from error
