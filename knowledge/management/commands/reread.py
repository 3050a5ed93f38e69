"""`reread`: read documents again whose reader has become another one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from engines.parsing.formats import FORMATS, likely_type
from knowledge.services.changing import reread_documents


class Command(TenantCommand):
    help = "Queue documents that an older version of their reader has read, behind all other work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument(
            "--type",
            type=_mime_type,
            action="append",
            metavar="SUFFIX",
            help="only files of this type, such as pptx; can be repeated",
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        types = options["type"] or [one.mime_type for one in FORMATS]
        return {"queued": reread_documents(actor=actor, mime_types=types)}

    def describe(self, result: dict[str, Any]) -> str:
        return f"Queued documents: {result['queued']}. They answer from their present passages until they are read."


def _mime_type(suffix: str) -> str:
    if mime_type := likely_type(f"file.{suffix.removeprefix('.')}"):
        return mime_type
    raise ValueError
