"""Documents whose reader, or whose words, have a new version are read again, behind all other work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from engines.embedding.minilm import MiniLMEmbedder
from engines.parsing import formats
from engines.parsing.formats import BY_TYPE
from engines.vectors import bm25
from knowledge.models import Document, DocumentStatus, IngestionJob
from knowledge.services import changing
from knowledge.services.changing import reread_documents
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, process
from tests.support.admin_pages import url


@pytest.fixture
def newer_markdown(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of two types that have been read, and a new version of one reader."""
    library.queue(
        library.upload("bees.md", BEES),
        library.upload("rivers.md", RIVERS),
        library.upload("rivers.txt", RIVERS),
    )
    library.work()
    row = BY_TYPE["text/markdown"]
    newer = {**BY_TYPE, row.mime_type: replace(row, version=row.version + 1)}
    monkeypatch.setattr(formats, "BY_TYPE", newer)


def queued(library: Library) -> list[str]:
    with tenant_scope(library.tenant_id):
        jobs = IngestionJob.objects.unfinished().order_by("document__filename")
        return list(jobs.values_list("document__filename", flat=True))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["bees.md", "rivers.md"]),
        (["--type", "md"], ["bees.md", "rivers.md"]),
        (["--type", ".txt"], []),
    ],
    ids=["all", "changed", "unchanged"],
)
def test_only_changed_formats_are_read_again(
    arguments: list[str], expected: list[str], newer_markdown: None, library: Library
):
    call_command("reread", "--tenant", library.tenant_id, *arguments)
    assert queued(library) == expected
    assert [hit.filename for hit in library.find("dance of the honey bees")][:1] == ["bees.md"]
    library.work()
    versions = {one.versions["reader"] for one in library.documents().values() if one.filename in expected}
    assert len(versions) == bool(expected)
    call_command("reread", "--tenant", library.tenant_id, *arguments)
    assert queued(library) == []


def test_other_work_comes_first(newer_markdown: None, library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changing, "REREAD_BATCH", 1)
    assert reread_documents(actor=library.person.actor, mime_types=["text/markdown"]) == 2
    library.queue(library.upload("later.txt", RIVERS))
    monkeypatch.setattr("knowledge.ingestion.handler.BATCH_JOBS", 1)
    order = []
    while batch := claim(library.tenant_id):
        order += [job.document.filename for job in batch]
        process(library.tenant_id, batch)
    assert order[0] == "later.txt" and sorted(order[1:]) == ["bees.md", "rivers.md"]
    with tenant_scope(library.tenant_id):
        assert AuditLog.objects.filter(action="documents.reread").count() == 2
        assert {one.processed_status for one in Document.objects.all()} == {"done"}


def test_page_of_documents_reads_again(newer_markdown: None, library: Library):
    client, address = library.person.client, f"{url(Document, 'changelist')}reread/"
    client.post(address, {"_form_submitted": "True"}, headers={"HX-Request": "true"})
    assert "2 documents are queued" in client.get(url(Document, "changelist")).content.decode()
    assert queued(library) == ["bees.md", "rivers.md"]


def test_viewers_and_unknown_types_are_refused(library: Library, viewer: Person):
    with pytest.raises(ForbiddenError):
        reread_documents(actor=viewer.actor, mime_types=["text/markdown"])
    with pytest.raises(CommandError, match="argument --type: invalid"):
        call_command("reread", "--tenant", library.tenant_id, "--type", "nonsense")


def test_documents_whose_words_another_version_has_indexed_are_indexed_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    library.add("bees.md", BEES)
    monkeypatch.setattr(bm25, "VERSION", "another")
    monkeypatch.setattr(MiniLMEmbedder, "embed", lambda *_: pytest.fail("The vectors are kept."))
    assert reread_documents(actor=library.person.actor, mime_types=["text/plain"]) == 0
    assert reread_documents(actor=library.person.actor, mime_types=["text/markdown"]) == 1
    library.work()
    (document,) = library.documents().values()
    assert (document.processed_status, document.versions["words"]) == (DocumentStatus.DONE, "another")
