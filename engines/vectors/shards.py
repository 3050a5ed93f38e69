"""The shards on disk, one collection each, and their upkeep.

The engine writes every change to its log before it answers; the log is handed to the system at once, so that
it survives the process, and to the disk by `flush`, at the latest after FLUSH_SECONDS.

Building the search graph takes minutes and would hold the interpreter lock, which would stop all searches. So
it is done in another process, on a copy: writes go on meanwhile, are remembered, and are repeated on the copy
before it takes the old shard's place. `current.json` names the folder that counts; a folder that it does not
name is rubbish of an interrupted build.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import qdrant_edge as edge

from engines.vectors import VectorStoreError, edge_operations

log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
# A search graph is built anew when so many points have changed since the last one and either the writers have paused
# or half of all points are without. Until then those are compared one by one, about a millisecond for each 10,000.
REBUILD_POINTS, REBUILD_SHARE, PAUSE_SECONDS = 10_000, 0.5, 20.0
# The last writes are repeated on the copy while others wait: so few that nobody notices.
FEW_WRITES = 8


class Collection:
    """One open shard. Reads take no lock: the engine's calls cannot overlap, and a shard that was replaced
    lives as long as someone reads from it."""

    def __init__(self, folder: Path, shard: edge.EdgeShard, *, current: Path, indexed: int) -> None:
        self.shard = shard
        self._folder, self._current = folder, current
        self._changed = abs(shard.info().points_count - indexed)
        self._lock = threading.Lock()
        self._written = time.monotonic()
        self._dirty_since: float | None = None
        self._missed: list[edge.UpdateOperation] | None = None

    @classmethod
    def create(cls, folder: Path, dimensions: int) -> Collection:
        current = _fresh(folder)
        shard = edge_operations.create(current, dimensions)
        _point_to(folder, current, indexed=0)
        return cls(folder, shard, current=current, indexed=0)

    @classmethod
    def load(cls, folder: Path) -> Collection:
        manifest = json.loads((folder / "current.json").read_text())
        current = folder / manifest["folder"]
        for other in folder.iterdir():
            if other.is_dir() and other != current:
                shutil.rmtree(other, ignore_errors=True)
        return cls(folder, edge.EdgeShard.load(str(current)), current=current, indexed=manifest["indexed"])

    def update(self, operations: list[edge.UpdateOperation], points: int) -> None:
        with self._lock:
            for operation in operations:
                self.shard.update(operation)
                if self._missed is not None:
                    self._missed.append(operation)
            self._changed += points
            self._written = time.monotonic()
            self._dirty_since = self._dirty_since or self._written

    def flush(self) -> None:
        with self._lock:
            self.shard.flush()
            self._dirty_since = None

    def needs_flush(self) -> bool:
        return self._dirty_since is not None and time.monotonic() - self._dirty_since >= FLUSH_SECONDS

    def needs_rebuild(self) -> bool:
        if self._changed < REBUILD_POINTS:
            return False
        paused = time.monotonic() - self._written >= PAUSE_SECONDS
        return paused or self._changed >= REBUILD_SHARE * self.shard.info().points_count

    def rebuild(self, run: Callable[[list[str]], None]) -> None:
        """Give the shard a new search graph. `run` runs a program to its end, and raises if it fails."""
        started, folder = time.monotonic(), _fresh(self._folder)
        try:
            changed = self._copy_to(folder)
            run([sys.executable, "-m", "engines.vectors.optimizer", str(folder)])
            copy = edge.EdgeShard.load(str(folder))
            self._catch_up(copy)
            old = self._replace_by(copy, folder, changed)
        except BaseException:
            self._missed = None
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(old, ignore_errors=True)
        log.info("%s: search graph rebuilt in %.1f s", self._folder.name, time.monotonic() - started)

    def close(self) -> None:
        with self._lock:
            self.shard.flush()
            self.shard.close()

    def _copy_to(self, folder: Path) -> int:
        """Returns how many changes the copy has in it. Writes wait for it, searches do not."""
        with self._lock:
            self.shard.flush()
            shutil.copytree(self._current, folder, dirs_exist_ok=True)
            self._missed = []
            return self._changed

    def _catch_up(self, copy: edge.EdgeShard) -> None:
        assert self._missed is not None
        while len(self._missed) > FEW_WRITES:
            copy.update(self._missed[0])
            with self._lock:
                del self._missed[0]

    def _replace_by(self, copy: edge.EdgeShard, folder: Path, changed: int) -> Path:
        with self._lock:
            assert self._missed is not None
            for operation in self._missed:
                copy.update(operation)
            copy.flush()
            self._changed -= changed
            _point_to(self._folder, folder, indexed=max(0, copy.info().points_count - self._changed))
            self.shard, self._missed, old, self._current = copy, None, self._current, folder
            return old


class Shards:
    """All collections below one folder, opened when first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, Collection] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def get(self, name: str) -> Collection | None:
        with self._lock:
            if name not in self._open and (self._root / name / "current.json").exists():
                self._open[name] = self._loaded(name)
            return self._open.get(name)

    def get_or_create(self, name: str, dimensions: int) -> Collection:
        found = self.get(name)
        if found:
            return found
        with self._lock:
            if name not in self._open:
                self._open[name] = Collection.create(self._root / name, dimensions)
            return self._open[name]

    def keep(self) -> None:
        """Flush what is due, and rebuild what needs it, until closed."""
        threading.Thread(target=self._every_second, args=(self._flush_due,), daemon=True).start()
        threading.Thread(target=self._every_second, args=(self._rebuild_due,), daemon=True).start()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        self._closing.set()
        if self._child:
            self._child.kill()
        with self._lock:
            for collection in self._open.values():
                collection.close()

    def _loaded(self, name: str) -> Collection:
        try:
            return Collection.load(self._root / name)
        except Exception as error:
            log.exception("%s cannot be opened", self._root / name)
            detail = (
                f"The vectors in {self._root / name} cannot be opened ({error}). Restore the folder from a"
                " backup; or move it away, restart, and run `manage.py reconcile --repair` to make it again."
            )
            raise VectorStoreError("vector_store_damaged", detail) from error

    def _every_second(self, work: Callable[[Collection], None]) -> None:
        while not self._closing.wait(1):
            for collection in list(self._open.values()):
                try:
                    work(collection)
                except Exception:
                    if not self.closing:
                        log.exception("Upkeep failed; the next round tries again")

    def _flush_due(self, collection: Collection) -> None:
        if collection.needs_flush():
            collection.flush()

    def _rebuild_due(self, collection: Collection) -> None:
        if collection.needs_rebuild():
            collection.rebuild(self._run)

    def _run(self, command: list[str]) -> None:
        self._child = subprocess.Popen(command)
        if self.closing:
            self._child.kill()
        code = self._child.wait()
        if code:
            raise RuntimeError(f"The optimizer ended with code {code}.")


def _fresh(folder: Path) -> Path:
    fresh = folder / uuid4().hex
    fresh.mkdir(parents=True)
    return fresh


def _point_to(folder: Path, current: Path, **facts: Any) -> None:
    draft = folder / "current.json.new"
    draft.write_text(json.dumps({"folder": current.name, **facts}))
    draft.replace(folder / "current.json")
