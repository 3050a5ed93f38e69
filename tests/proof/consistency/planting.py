"""Functions that cause each kind of inconsistency, in one way or several, by changing the stores directly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

from django.core.files.storage import default_storage

from core.isolation.scope import tenant_scope
from knowledge.models import Document, IngestionJob
from knowledge.pipeline.ports import collection_name
from knowledge.reconcile.findings import FindingKind
from knowledge.storage.files import DOCUMENT_FILES
from tests.knowledge.libraries import default_ports
from tests.proof.consistency.corpus import Corpus

OLD_MODEL = "an-older-model"
Findings = set[tuple[UUID, FindingKind, str]]  # tenant, kind and subject
PlantFunction = Callable[[Corpus, Corpus, int], Findings]


def plant_missing_point(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    chunk_id = corpus.chunk_ids(corpus.long[number])[0]
    corpus.delete_point(chunk_id)
    return {(corpus.tenant_id, FindingKind.MISSING_POINT, str(chunk_id))}


def plant_orphan_point(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    """Store a point without a chunk, as a late worker would, before or after its document was purged."""
    document = corpus.long[number]
    ways: tuple[Callable[[], UUID], ...] = (
        lambda: corpus.store_point(document),
        lambda: corpus.store_point(document, generation=document.generation + 1),
        lambda: corpus.store_point(corpus.purged),
    )
    return {(corpus.tenant_id, FindingKind.ORPHAN_POINT, str(ways[number % len(ways)]()))}


def plant_stale_generation(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    document = corpus.long[number]
    stale = corpus.store_point(document, generation=document.generation - 1)
    return {(corpus.tenant_id, FindingKind.STALE_GENERATION, str(stale))}


def plant_stale_model(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    """Store a point in the collection of another model, which the document's job names."""
    document = corpus.long[number]
    with tenant_scope(corpus.tenant_id):
        IngestionJob.objects.filter(document=document).update(versions={"model": OLD_MODEL})
    stale = corpus.store_point(document, collection=collection_name(OLD_MODEL))
    return {(corpus.tenant_id, FindingKind.STALE_MODEL, str(stale))}


def plant_wrong_tenant(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    """Store a chunk's point in the foreign tenant, or a point in the own tenant with a foreign document."""
    document = corpus.long[number]
    if number % 2:
        point_id = corpus.store_point(document, document_id=foreign.long[0].pk)
        return {(corpus.tenant_id, FindingKind.WRONG_TENANT, str(point_id))}
    chunk_id = corpus.chunk_ids(document)[1]
    corpus.delete_point(chunk_id)
    foreign.store_point(document, id=chunk_id)
    return {
        (corpus.tenant_id, FindingKind.MISSING_POINT, str(chunk_id)),
        (foreign.tenant_id, FindingKind.WRONG_TENANT, str(chunk_id)),
    }


def plant_wrong_payload(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    document = corpus.long[number]
    chunk_id = corpus.chunk_ids(document)[2]
    ways: tuple[Callable[[], UUID], ...] = (
        lambda: corpus.store_point(document, id=chunk_id, reference_id=uuid4()),
        lambda: corpus.store_point(document, id=chunk_id, generation=document.generation + 7),
        lambda: corpus.store_point(corpus.short[number], id=chunk_id),
        lambda: corpus.store_point(foreign.long[0], id=chunk_id),
    )
    return {(corpus.tenant_id, FindingKind.WRONG_PAYLOAD, str(ways[number % len(ways)]()))}


def plant_wrong_tags(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    chunk_id, ports = corpus.chunk_ids(corpus.long[number])[3], default_ports()
    ports.store.set_tags(corpus.tenant_id, ports.collection, {chunk_id: (uuid4(),)})
    return {(corpus.tenant_id, FindingKind.WRONG_TAGS, str(chunk_id))}


def plant_missing_file(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    name = corpus.short[number].file_path
    default_storage.delete(name)
    return {(corpus.tenant_id, FindingKind.MISSING_FILE, name)}


def plant_orphan_file(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    """Write a file of an absent generation or document, or one as editors and backups leave behind."""
    root = f"tenants/{corpus.tenant_id}/documents"
    own = DOCUMENT_FILES.folder(corpus.tenant_id, corpus.long[number].pk)
    names = (
        f"{own}/{number + 9}",
        f"{own}/1_x{number}",
        f"{own}/.1.swp{number}",
        f"{own}/²{number}",
        f"{own}/sub/folder/{number}",
        f"{DOCUMENT_FILES.folder(corpus.tenant_id, corpus.purged.pk)}/{number}",
        f"{DOCUMENT_FILES.folder(corpus.tenant_id, uuid4())}/1",
        f"{DOCUMENT_FILES.folder(corpus.tenant_id, foreign.long[0].pk)}/{number}",
        f"{root}/no-id/{number}",
        f"{root}/Thumbs{number}.db",
        f"{root}/new\nline ' \" % \\ {number}",
        f"{root}/no-utf-8-\udcff{number}",
    )
    name = names[number % len(names)]
    path = Path(default_storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    return {(corpus.tenant_id, FindingKind.ORPHAN_FILE, name)}


def plant_stuck_document(corpus: Corpus, foreign: Corpus, number: int) -> Findings:
    document, status = corpus.long[number], ("pending", "processing")[number % 2]
    with tenant_scope(corpus.tenant_id):
        Document.objects.filter(pk=document.pk).update(processed_status=status)
    return {(corpus.tenant_id, FindingKind.STUCK_DOCUMENT, str(document.pk))}


PLANT_FUNCTIONS: dict[FindingKind, PlantFunction] = {
    FindingKind.MISSING_POINT: plant_missing_point,
    FindingKind.ORPHAN_POINT: plant_orphan_point,
    FindingKind.STALE_GENERATION: plant_stale_generation,
    FindingKind.STALE_MODEL: plant_stale_model,
    FindingKind.WRONG_TENANT: plant_wrong_tenant,
    FindingKind.WRONG_PAYLOAD: plant_wrong_payload,
    FindingKind.WRONG_TAGS: plant_wrong_tags,
    FindingKind.MISSING_FILE: plant_missing_file,
    FindingKind.ORPHAN_FILE: plant_orphan_file,
    FindingKind.STUCK_DOCUMENT: plant_stuck_document,
}
