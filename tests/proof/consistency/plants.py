"""One way or several to bring about each kind of inconsistency, done to the stores themselves."""

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
Planted = set[tuple[UUID, FindingKind, str]]  # in which tenant what should be found
Plant = Callable[[Corpus, Corpus, int], Planted]


def missing_point(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    lost = ours.passages(ours.long[number])[0]
    ours.forget(lost)
    return {(ours.tenant_id, FindingKind.MISSING_POINT, str(lost))}


def orphan_point(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    """Of a passage that never was; written by a worker that came too late, before or after its document was purged."""
    document = ours.long[number]
    ways = (
        lambda: ours.put(document),
        lambda: ours.put(document, generation=document.generation + 1),
        lambda: ours.put(ours.purged),
    )
    return {(ours.tenant_id, FindingKind.ORPHAN_POINT, str(_one_of(ways, number)))}


def stale_generation(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    document = ours.long[number]
    stale = ours.put(document, generation=document.generation - 1)
    return {(ours.tenant_id, FindingKind.STALE_GENERATION, str(stale))}


def stale_model(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    """The jobs remember which models there were."""
    document = ours.long[number]
    with tenant_scope(ours.tenant_id):
        IngestionJob.objects.filter(document=document).update(versions={"model": OLD_MODEL})
    stale = ours.put(document, collection=collection_name(OLD_MODEL))
    return {(ours.tenant_id, FindingKind.STALE_MODEL, str(stale))}


def wrong_tenant(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    """Our passage's point says that it is theirs; or a point that says it is ours names their document."""
    document = ours.long[number]
    if number % 2:
        foreign = ours.put(document, document_id=theirs.long[0].pk)
        return {(ours.tenant_id, FindingKind.WRONG_TENANT, str(foreign))}
    lost = ours.passages(document)[1]
    ours.forget(lost)
    theirs.put(document, id=lost)
    return {
        (ours.tenant_id, FindingKind.MISSING_POINT, str(lost)),
        (theirs.tenant_id, FindingKind.WRONG_TENANT, str(lost)),
    }


def wrong_payload(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    document, passage = ours.long[number], ours.passages(ours.long[number])[2]
    ways = (
        lambda: ours.put(document, id=passage, reference_id=uuid4()),
        lambda: ours.put(document, id=passage, generation=document.generation + 7),
        lambda: ours.put(ours.short[number], id=passage),
        lambda: ours.put(theirs.long[0], id=passage),
    )
    return {(ours.tenant_id, FindingKind.WRONG_PAYLOAD, str(_one_of(ways, number)))}


def wrong_tags(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    passage, ports = ours.passages(ours.long[number])[3], default_ports()
    ports.store.set_tags(ours.tenant_id, ports.collection, {passage: (uuid4(),)})
    return {(ours.tenant_id, FindingKind.WRONG_TAGS, str(passage))}


def missing_file(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    name = ours.short[number].file_path
    default_storage.delete(name)
    return {(ours.tenant_id, FindingKind.MISSING_FILE, name)}


def orphan_file(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    """Files of a generation or a document that is not, and whatever people, editors and backups leave."""
    root, own = (
        f"tenants/{ours.tenant_id}/documents",
        DOCUMENT_FILES.folder(ours.tenant_id, ours.long[number].pk),
    )
    names = (
        f"{own}/{number + 9}",
        f"{own}/1_x{number}",
        f"{own}/.1.swp{number}",
        f"{own}/²{number}",
        f"{own}/sub/folder/{number}",
        f"{DOCUMENT_FILES.folder(ours.tenant_id, ours.purged.pk)}/{number}",
        f"{DOCUMENT_FILES.folder(ours.tenant_id, uuid4())}/1",
        f"{DOCUMENT_FILES.folder(ours.tenant_id, theirs.long[0].pk)}/{number}",
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
    return {(ours.tenant_id, FindingKind.ORPHAN_FILE, name)}


def stuck_document(ours: Corpus, theirs: Corpus, number: int) -> Planted:
    document = ours.long[number]
    with tenant_scope(ours.tenant_id):
        Document.objects.filter(pk=document.pk).update(processed_status=("pending", "processing")[number % 2])
    return {(ours.tenant_id, FindingKind.STUCK_DOCUMENT, str(document.pk))}


PLANTS: dict[FindingKind, Plant] = {
    FindingKind.MISSING_POINT: missing_point,
    FindingKind.ORPHAN_POINT: orphan_point,
    FindingKind.STALE_GENERATION: stale_generation,
    FindingKind.STALE_MODEL: stale_model,
    FindingKind.WRONG_TENANT: wrong_tenant,
    FindingKind.WRONG_PAYLOAD: wrong_payload,
    FindingKind.WRONG_TAGS: wrong_tags,
    FindingKind.MISSING_FILE: missing_file,
    FindingKind.ORPHAN_FILE: orphan_file,
    FindingKind.STUCK_DOCUMENT: stuck_document,
}


def _one_of(ways: tuple[Callable[[], UUID], ...], number: int) -> UUID:
    return ways[number % len(ways)]()
