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
from knowledge.services.documents import Added, add_documents
from knowledge.services.libraries import get_or_create_reference
from knowledge.storage.folders import Unreadable, uploads_in
from knowledge.storage.values import Upload

AT_ONCE = 64


@dataclass(kw_only=True)
class Result:
    """`chunks` are those that the given files and their members have now."""

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
        parser.add_argument("paths", nargs="+", type=_path, metavar="PATH")
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
        added, unreadable = self._add(actor, reference.pk, options["paths"])
        ids = [one.document_id for one in added]
        if options["wait"]:
            with self.progress(unit="doc") as progress:
                wait_until_idle(handler_of(IngestionJob), actor.tenant_id, progress)
        documents = with_members(actor.tenant_id, ids)
        outcomes = Counter(one.outcome.value for one in added)
        return Result(
            **outcomes,
            failed=[*unreadable, *failures(documents)],
            chunks=_count_chunks(actor.tenant_id, [document.pk for document in documents]),
            seconds=round(time.monotonic() - started, 3),
        )

    def _add(
        self, actor: Actor, reference_id: UUID, paths: list[Path]
    ) -> tuple[list[Added], list[dict[str, str]]]:
        added: list[Added] = []
        unreadable: list[dict[str, str]] = []
        for some in batched(self.track(uploads_in(paths), unit="file"), AT_ONCE):
            uploads = {one.external_id: one for one in some if isinstance(one, Upload)}
            unreadable += [
                {"file": one.file, "code": one.code, "detail": one.detail}
                for one in some
                if isinstance(one, Unreadable)
            ]
            added += add_documents(actor=actor, reference_id=reference_id, uploads=list(uploads.values()))
        return added, unreadable

    def describe(self, result: Result) -> str:
        lines = [f"  {one['file']}: {one['detail']} ({one['code']})" for one in result.failed]
        counts = f"{result.added} added, {result.updated} updated, {result.unchanged} unchanged"
        return "\n".join([f"{counts}, {result.chunks} passages, {result.seconds} s", *lines])

    def problem(self, result: Result) -> str:
        return f"Files that could not be read: {len(result.failed)}." if result.failed else ""


def _path(value: str) -> Path:
    """An empty one, as of a variable that is not set, would be the current folder."""
    if not value:
        raise ArgumentTypeError("a path must not be empty; write . for the current folder")
    return Path(value)


def _count_chunks(tenant_id: UUID, document_ids: list[UUID]) -> int:
    with tenant_scope(tenant_id):
        chunks = Chunk.objects.filter(document_id__in=document_ids, generation=F("document__generation"))
        return chunks.count()
