"""A batch is read one file after another: behind a slow one, the others are handed back for whoever is free."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Timer
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from engines.parsing import ParsedDocument, Parser
from engines.parsing.codes import problem
from knowledge.ingestion import jobs as queue
from knowledge.models import IngestionJob

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 5.0


class PatientParser:
    """Reads the files of a batch, `jobs` by their path, until they are handed back: those it refuses."""

    def __init__(self, parser: Parser, tenant_id: UUID, jobs: dict[Path, IngestionJob]) -> None:
        self.version = parser.version
        self.close = parser.close
        self._parser, self._tenant_id, self._lock = parser, tenant_id, Lock()
        self._jobs, self._reading = dict(jobs), set[Path]()

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        with self._lock:
            if path not in self._jobs:
                raise problem("parse_interrupted")  # nobody is told: the job is not ours any more
            self._reading = {path}
        try:
            return self._parser.parse(tenant_id, path, filename=filename, workdir=workdir)
        finally:
            self._reading = set()

    def hand_back(self) -> None:
        """All but the one that is being read: what was read before it would wait for it, too."""
        try:
            with self._lock:
                others = self._jobs.keys() - self._reading if self._reading else set[Path]()
                queue.hand_back(self._tenant_id, [self._jobs.pop(path) for path in others])
        except DatabaseError as error:
            logger.warning("no jobs handed back, the database does not answer: %s", error)
        finally:
            connection.close()


@contextmanager
def patient(
    parser: Parser, tenant_id: UUID, jobs: Sequence[IngestionJob], files: dict[UUID, Path]
) -> Iterator[PatientParser]:
    by_path = {files[job.document_id]: job for job in jobs if job.document_id in files}
    reader = PatientParser(parser, tenant_id, by_path)
    timer = Timer(PATIENCE_SECONDS, reader.hand_back)
    timer.daemon = True
    timer.start()
    try:
        yield reader
    finally:
        timer.cancel()
        timer.join()
