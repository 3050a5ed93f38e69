"""Each kind of disagreement, planted, found, repaired; and no false alarm."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge import reconciling
from knowledge.files import folder
from knowledge.models import Document, IngestionJob
from knowledge.pipeline.ports import collection_name, get_ports
from knowledge.reconciling import Kind, Report, reconcile
from knowledge.vectors import Filter, Point
from tenants.scope import tenant_scope
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.knowledge.test_recovery import Killed, before, end_leases, kill, work_until

Plant = Callable[[Library, Document], None]


def compare(library: Library, *, repair: bool = False) -> Report:
    ports = get_ports()
    return reconcile(actor=library.person.actor, store=ports.store, model=ports.embedder.model, repair=repair)


def put_point(library: Library, document: Document, *, model: str = "", **facts: object) -> None:
    point = Point(
        id=document.pk,
        document_id=document.pk,
        reference_id=document.reference_id,
        generation=document.generation,
        vector=[1.0] + [0.0] * 383,
        text="bees",
    )
    ports = get_ports()
    collection = collection_name(model or ports.embedder.model)
    ports.store.upsert(library.tenant_id, collection, [replace(point, **facts)])  # type: ignore[arg-type]


def missing_point(library: Library, document: Document) -> None:
    ports = get_ports()
    ports.store.delete(library.tenant_id, ports.collection, Filter(document_ids=(document.pk,)))


def orphan_point(library: Library, document: Document) -> None:
    put_point(library, document)


def stale_generation(library: Library, document: Document) -> None:
    put_point(library, document, generation=document.generation - 1)


def stale_model(library: Library, document: Document) -> None:
    put_point(library, document, model="an-older-model")
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.update(versions="parser=0 model=an-older-model")


def wrong_payload(library: Library, document: Document) -> None:
    chunk = library.points(document)[0]
    put_point(library, document, id=chunk.id, reference_id=document.pk)


def missing_file(library: Library, document: Document) -> None:
    default_storage.delete(document.file_path)


def orphan_file(library: Library, document: Document) -> None:
    name = default_storage.save(f"{folder(library.tenant_id, document.pk)}/9", ContentFile(b"x"))
    long_ago = time.time() - 3600
    os.utime(default_storage.path(name), (long_ago, long_ago))


def stuck_document(library: Library, document: Document) -> None:
    with tenant_scope(library.tenant_id):
        Document.objects.update(processed_status="pending")


PLANTS: dict[Kind, Plant] = {
    Kind.MISSING_POINT: missing_point,
    Kind.ORPHAN_POINT: orphan_point,
    Kind.STALE_GENERATION: stale_generation,
    Kind.STALE_MODEL: stale_model,
    Kind.WRONG_PAYLOAD: wrong_payload,
    Kind.MISSING_FILE: missing_file,
    Kind.ORPHAN_FILE: orphan_file,
    Kind.STUCK_DOCUMENT: stuck_document,
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_found_and_repaired(library: Library, kind: Kind) -> None:
    document = library.add("bees.md", BEES)
    PLANTS[kind](library, document)
    report = compare(library, repair=True)
    assert report.counts == {kind: 1}
    library.work()
    left = {Kind.MISSING_FILE: 1} if kind is Kind.MISSING_FILE else {}
    assert compare(library).counts == left
    assert library.find("bees")[0].document_id == document.pk


def test_work_in_progress_is_no_finding(library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    assert compare(library).counts == {}


def test_a_job_that_ends_meanwhile_is_no_finding(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.queue(library.upload("bees.md", BEES))
    with pytest.raises(Killed):
        work_until(library, "flip", kill)
    end_leases(library)
    before(monkeypatch, reconciling, "_files", library.work)  # the points have been compared by then
    assert compare(library, repair=True).counts == {}
    assert "bees" in library.find("bees")[0].text


def test_texts_are_not_read(library: Library) -> None:
    missing_point(library, library.add("bees.md", BEES))
    with CaptureQueriesContext(connection) as queries:
        assert compare(library).counts == {Kind.MISSING_POINT: 1}
    assert not [query["sql"] for query in queries if '"text"' in query["sql"]]


def test_another_tenants_points_are_left_alone(library: Library, foreign_library: Library) -> None:
    library.add("bees.md", BEES)
    foreign = foreign_library.add("rivers.md", RIVERS)
    orphan_point(foreign_library, foreign)
    assert compare(library, repair=True).counts == {}
    assert compare(foreign_library).counts == {Kind.ORPHAN_POINT: 1}
