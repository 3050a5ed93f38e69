"""`ingest PATH…`: files and folders into a reference."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import F

from core.actors import Actor
from core.batching import batched
from core.commands import TenantCommand, new_name
from core.isolation.scope import tenant_scope
from jobs.drain import wait_until_idle
from jobs.handlers import handler_of
from knowledge.ingestion_results import failures, with_members
from knowledge.models import Chunk, IngestionJob
from knowledge.services.adding import Added, add_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.folders import Unreadable, uploads_in
from knowledge.storage.values import Upload

BATCH_SIZE = 64


@dataclass(kw_only=True)
class Result:
    """`chunks` is how many the files and their members have now."""

    added: int = 0
    unchanged: int = 0
    updated: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    chunks: int = 0
    seconds: float = 0.0


class Command(TenantCommand):
    help = "Read files and folders (recursively) into a reference; both it and the workspace are made when missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("paths", nargs="+", type=_path_argument, metavar="PATH")
        parser.add_argument("--workspace", required=True, type=new_name)
        parser.add_argument("--reference", required=True, type=new_name)
        parser.add_argument(
            "--wait", action="store_true", help="return when every document is done or failed"
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Result:
        started = time.monotonic()
        reference = get_or_create_reference(
            actor=actor, workspace=options["workspace"], reference=options["reference"]
        )
        added, unreadable = self._add_files(actor, reference.pk, options["paths"])
        if options["wait"]:
            with self.progress(unit="doc") as progress:
                wait_until_idle(handler_of(IngestionJob), actor.tenant_id, progress)
        documents = with_members(actor.tenant_id, [document.document_id for document in added])
        with tenant_scope(actor.tenant_id):
            chunks = Chunk.objects.filter(
                document__in=documents, generation=F("document__generation")
            ).count()
        return Result(
            **Counter(document.outcome.value for document in added),
            failed=[*unreadable, *failures(documents)],
            chunks=chunks,
            seconds=round(time.monotonic() - started, 3),
        )

    def _add_files(
        self, actor: Actor, reference_id: UUID, paths: list[Path]
    ) -> tuple[list[Added], list[dict[str, str]]]:
        """The documents, and the files that cannot be read."""
        added: list[Added] = []
        unreadable: list[dict[str, str]] = []
        for batch in batched(self.track(uploads_in(paths), unit="file"), BATCH_SIZE):
            uploads = {file.external_id: file for file in batch if isinstance(file, Upload)}
            unreadable += [
                {"file": file.file, "code": file.code, "detail": file.detail}
                for file in batch
                if isinstance(file, Unreadable)
            ]
            added += add_documents(actor=actor, reference_id=reference_id, uploads=list(uploads.values()))
        return added, unreadable

    def describe(self, result: Result) -> str:
        lines = [f"  {failure['file']}: {failure['detail']} ({failure['code']})" for failure in result.failed]
        counts = f"{result.added} added, {result.updated} updated, {result.unchanged} unchanged"
        return "\n".join([f"{counts}, {result.chunks} passages, {result.seconds} s", *lines])

    def problem(self, result: Result) -> str:
        return f"Files that could not be read: {len(result.failed)}." if result.failed else ""


def _path_argument(value: str) -> Path:
    """Refuse an empty value, as of an unset variable: it would be the current folder."""
    if not value:
        raise ArgumentTypeError("a path must not be empty; write . for the current folder")
    return Path(value)
