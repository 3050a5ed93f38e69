"""The maintenance of the embedded shards: a search graph is built on a copy, without losing writes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from qdrant_edge import CountRequest, UpdateOperation

from engines.vectors import Filter, Point, edge_operations, shards
from engines.vectors.filters import tenant_filter
from engines.vectors.qdrant import rows_of
from engines.vectors.shards import Collection, Shards
from engines.vectors.wire import Message

ACME = UUID(int=0xA)


def upsert(*numbers: int) -> UpdateOperation:
    points = [
        Point(
            id=UUID(int=n),
            document_id=ACME,
            reference_id=ACME,
            generation=1,
            vector=(1.0, n % 7, n % 11, n % 13),
            text=f"word{n}",
        )
        for n in numbers
    ]
    rows = rows_of(ACME, points)
    repeats = [1] * len(rows.ids)
    header = {"ids": rows.ids, "payloads": rows.payloads, "repeats": repeats, "own": tenant_filter(ACME)}
    lengths = np.array([len(terms.indices) for terms in rows.sparse], np.uint32)
    indices = np.concatenate([terms.indices for terms in rows.sparse])
    values = np.concatenate([terms.values for terms in rows.sparse])
    return edge_operations.upsert(Message(header, [rows.dense, lengths, indices, values]))


def delete(number: int) -> UpdateOperation:
    return edge_operations.delete(tenant_filter(ACME, Filter(point_ids=(UUID(int=number),))))


def count(collection: Collection) -> int:
    return collection.shard.count(CountRequest())


def run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def test_writes_during_a_rebuild_are_replayed(tmp_path: Path) -> None:
    collection = Collection.create(tmp_path, 4)
    collection.update([upsert(*range(1, 101))], 100)

    def run_and_write(command: list[str]) -> None:
        run(command)
        for number in range(101, 131):
            collection.update([upsert(number)], 1)
        collection.update([delete(1), upsert(2)], 1)

    before = collection.shard
    collection.rebuild(run_and_write)
    assert collection.shard is not before
    assert count(collection) == 129
    collection.update([upsert(1)], 1)
    collection.close()
    del before
    assert count(Collection.load(tmp_path)) == 130
    assert len([entry for entry in tmp_path.iterdir() if entry.is_dir()]) == 1


def test_failed_rebuild_keeps_the_shard(tmp_path: Path) -> None:
    collection = Collection.create(tmp_path, 4)
    collection.update([upsert(*range(1, 11))], 10)

    def fail(command: list[str]) -> None:
        collection.update([upsert(11)], 1)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        collection.rebuild(fail)
    collection.update([upsert(12)], 1)
    collection.close()
    assert count(Collection.load(tmp_path)) == 12
    assert len([entry for entry in tmp_path.iterdir() if entry.is_dir()]) == 1


def test_load_removes_leftovers_of_interrupted_rebuilds(tmp_path: Path) -> None:
    Collection.create(tmp_path, 4).close()
    (tmp_path / "0123" / "segments").mkdir(parents=True)
    Collection.load(tmp_path)
    assert not (tmp_path / "0123").exists()


def test_maintenance_rebuilds_after_enough_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "REBUILD_POINTS", 50)
    first = Shards(tmp_path)
    collection = first.get_or_create("c", 4)
    collection.update([upsert(*range(1, 41))], 40)
    assert not collection.needs_rebuild()
    collection.update([upsert(*range(41, 61))], 20)
    assert collection.needs_rebuild()
    before = collection.shard
    first.start_maintenance()
    deadline = time.monotonic() + 20
    while collection.shard is before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert collection.shard is not before
    assert not collection.needs_rebuild()
    assert count(collection) == 60
    first.close()
    reopened = Shards(tmp_path).get("c")
    assert reopened and not reopened.needs_rebuild()


def test_rebuild_is_due_when_writes_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "REBUILD_POINTS", 20)
    collection = Collection.create(tmp_path, 4)
    collection.update([upsert(*range(1, 101))], 100)
    collection.rebuild(run)
    collection.update([upsert(*range(101, 126))], 25)
    assert not collection.needs_rebuild()
    monkeypatch.setattr(shards, "PAUSE_SECONDS", 0.0)
    assert collection.needs_rebuild()
