"""Files in the same batch as a slow one do not wait for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from core.isolation.scope import tenant_scope
from engines.parsing import ParsedDocument
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import file_parser
from knowledge.ingestion import batch_handback
from knowledge.models import DocumentStatus, IngestionJob
from tests.knowledge.libraries import BEES, RIVERS, Library, work

SLOW_SECONDS = 0.2


def test_slow_file_does_not_delay_its_batch(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "first.md").write_text(
        BEES
    )  # starts the parser, which takes longer than a slow file does here
    file_parser().parse(library.tenant_id, tmp_path / "first.md", filename="first.md", workdir=tmp_path)
    monkeypatch.setattr(batch_handback, "SLOW_SECONDS", SLOW_SECONDS)
    started, may_end = threading.Event(), threading.Event()
    parse = PooledParser.parse

    def parse_slowly(parser: PooledParser, tenant_id: UUID, path: Path, **options: Any) -> ParsedDocument:
        if options["filename"] == "slow.md":
            started.set()
            assert may_end.wait(30)
        return parse(parser, tenant_id, path, **options)

    monkeypatch.setattr(PooledParser, "parse", parse_slowly)
    added = library.queue(library.upload("slow.md", BEES), library.upload("quick.md", RIVERS))
    slow_id, quick_id = (one.document_id for one in added)
    worker = threading.Thread(target=_work_once, args=[library])
    worker.start()
    assert started.wait(30)
    _work_until_done(library, quick_id)
    assert library.document(slow_id).processed_status == DocumentStatus.PROCESSING
    may_end.set()
    worker.join()
    assert library.document(slow_id).processed_status == DocumentStatus.DONE
    with tenant_scope(library.tenant_id):
        attempts = dict(IngestionJob.objects.values_list("document__external_id", "attempt"))
    assert attempts == {"slow.md": 1, "quick.md": 2}


def _work_once(library: Library) -> None:
    try:
        work(library.tenant_id)
    finally:
        connection.close()


def _work_until_done(library: Library, document_id: UUID) -> None:
    pause = threading.Event()
    for _ in range(200):
        if library.document(document_id).processed_status == DocumentStatus.DONE:
            return
        work(library.tenant_id)
        pause.wait(0.1)
    pytest.fail("the quick file is not done")
