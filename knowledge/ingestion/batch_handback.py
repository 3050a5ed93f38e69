"""Handing back the rest of a batch: its files are parsed one after another, and the others must not wait for a slow one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Timer
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from engines.parsing import ParseCancelled, ParsedDocument
from jobs.queue import hand_back
from knowledge.ingestion.attempt import Attempt
from knowledge.models import IngestionJob

logger = logging.getLogger(__name__)
SLOW_SECONDS = 5.0


class BatchParser:
    """A parser for the files of a batch, `jobs` by their path. It raises ParseCancelled for files that were handed back."""

    def __init__(self, attempt: Attempt, jobs: dict[Path, IngestionJob]) -> None:
        self._attempt, self._parser, self._lock = attempt, attempt.ports.parser, Lock()
        self.version_of, self.draw, self.close = (
            self._parser.version_of,
            self._parser.draw,
            self._parser.close,
        )
        self._jobs, self._current = dict(jobs), set[Path]()

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        with self._lock:
            if path not in self._jobs:
                raise ParseCancelled
            self._current = {path}
        try:
            return self._parser.parse(tenant_id, path, filename=filename, workdir=workdir)
        finally:
            self._current = set()

    def hand_back_others(self) -> None:
        """Hand back all files but the current one; also those parsed before it, because they would wait for it, too."""
        try:
            with self._lock:
                others = self._jobs.keys() - self._current if self._current else set[Path]()
                jobs = [self._jobs.pop(path) for path in others]
                hand_back(self._attempt.handler, self._attempt.tenant_id, jobs)
        except DatabaseError as error:
            logger.warning("no jobs handed back, the database does not answer: %s", error)
        finally:
            connection.close()


@contextmanager
def parser_with_handback(
    attempt: Attempt, jobs: Sequence[IngestionJob], files: dict[UUID, Path]
) -> Iterator[BatchParser]:
    """Yield a parser for the batch. If a file is being parsed `SLOW_SECONDS` after the batch began, all others are handed
    back."""
    by_path = {files[job.document_id]: job for job in jobs if job.document_id in files}
    parser = BatchParser(attempt, by_path)
    timer = Timer(SLOW_SECONDS, parser.hand_back_others)
    timer.daemon = True
    timer.start()
    try:
        yield parser
    finally:
        timer.cancel()
        timer.join()
