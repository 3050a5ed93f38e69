"""Each owner of files has a folder of its own below the tenant's; `reconcile` looks at documents and uploads only."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from core.storage import FileStore
from engines.vectors import VectorStore
from knowledge.engine_config import vector_store
from knowledge.reconcile.comparison import reconcile
from knowledge.reconcile.findings import Report
from knowledge.storage.files import DOCUMENT_FILES, STORES
from tests.knowledge.libraries import BEES, Library


def repair(library: Library) -> Report:
    store: VectorStore = vector_store()
    return reconcile(actor=library.person.actor, store=store, repair=True)


def make_old(name: str) -> str:
    os.utime(default_storage.path(name), (0, 0))
    return name


def test_repair_leaves_the_files_of_other_apps(library: Library):
    library.add("bees.md", BEES)
    datasets = FileStore("datasets")
    kept = [
        make_old(datasets.save(ContentFile(b"rows"), library.tenant_id, uuid4(), "1")),
        make_old(default_storage.save(f"tenants/{library.tenant_id}/notes.txt", ContentFile(b"notes"))),
    ]
    report = repair(library)
    assert report.counts == {}
    assert all(default_storage.exists(name) for name in kept)


def test_repair_removes_orphans_of_documents(library: Library):
    orphan = make_old(DOCUMENT_FILES.save(ContentFile(BEES.encode()), library.tenant_id, uuid4(), "1"))
    report = repair(library)
    assert report.counts == {"orphan_file": 1}
    assert not default_storage.exists(orphan)


@pytest.mark.parametrize("level", ["tenant", "kind", "owner"])
def test_repair_removes_nothing_behind_a_link(level: str, library: Library, foreign_library: Library):
    foreign = make_old(FileStore("files").save(ContentFile(b"rows"), foreign_library.tenant_id, uuid4(), "1"))
    target = Path(default_storage.path(foreign)).parent
    link = Path(default_storage.path(DOCUMENT_FILES.folder(library.tenant_id, uuid4())))
    for _ in range(["owner", "kind", "tenant"].index(level)):
        target, link = target.parent, link.parent
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    repair(library)
    assert default_storage.exists(foreign)


def test_file_in_place_of_a_folder_does_not_stop_reconciling(library: Library):
    folder = Path(default_storage.path(f"tenants/{library.tenant_id}/files"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"")
    assert repair(library).counts == {}


def test_owners_do_not_share_a_folder():
    kinds = [store.kind for store in STORES]
    assert len(set(kinds)) == len(kinds)
