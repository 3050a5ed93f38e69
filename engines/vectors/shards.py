"""The shards on disk, one per collection, and their maintenance.

The engine writes every change to its log before a call returns. The log is handed to the operating system at once, so
that it survives the process, and is flushed to the disk after FLUSH_SECONDS at the latest.

Building the search graph takes minutes and would hold the interpreter lock, which would block all searches. So it is
done in another process, on a copy: writes go on meanwhile, are recorded, and are replayed on the copy before it replaces
the old shard. `current.json` names the folder in use; all other folders are left over from interrupted builds.
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
from functools import partial
from pathlib import Path
from uuid import uuid4

import qdrant_edge as edge

from engines.vectors import VectorStoreError, edge_operations

log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
# A search graph is rebuilt when this many points have changed since the last build, and either writes have paused or half
# of all points have changed. Until then these are compared one by one, about a millisecond for each 10,000.
REBUILD_POINTS, REBUILD_SHARE, PAUSE_SECONDS = 10_000, 0.5, 20.0
# The last writes are replayed on the copy under the lock: so few that other writers hardly wait.
MAX_REPLAYED_UNDER_LOCK = 8


class Collection:
    """One open shard. Reads take no lock: the engine's calls cannot overlap, and a replaced shard stays open until its
    last read ends."""

    def __init__(self, folder: Path, shard: edge.EdgeShard, *, current: Path, indexed: int) -> None:
        self.shard = shard
        self._folder, self._current = folder, current
        self._changed = abs(shard.info().points_count - indexed)
        self._lock = threading.Lock()
        self._written = time.monotonic()
        self._dirty_since: float | None = None
        self._recorded: list[edge.UpdateOperation] | None = None

    @classmethod
    def create(cls, folder: Path, dimensions: int) -> Collection:
        current = _make_subfolder(folder)
        shard = edge_operations.create(current, dimensions)
        _write_manifest(folder, current, indexed=0)
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
                if self._recorded is not None:
                    self._recorded.append(operation)
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
        """Build a new search graph on a copy, replay the writes made meanwhile, and replace the shard. `run` runs a command
        to its end, and raises an exception if it fails."""
        started, folder = time.monotonic(), _make_subfolder(self._folder)
        recorded: list[edge.UpdateOperation] = []
        try:
            with self._lock:
                self.shard.flush()
                shutil.copytree(self._current, folder, dirs_exist_ok=True)
                self._recorded, changed = recorded, self._changed
            run([sys.executable, "-m", "engines.vectors.optimizer", str(folder)])
            copy = edge.EdgeShard.load(str(folder))
            while len(recorded) > MAX_REPLAYED_UNDER_LOCK:
                copy.update(recorded[0])
                with self._lock:
                    del recorded[0]
            with self._lock:
                for operation in recorded:
                    copy.update(operation)
                copy.flush()
                self._changed -= changed
                indexed = max(0, copy.info().points_count - self._changed)
                _write_manifest(self._folder, folder, indexed=indexed)
                self.shard, self._recorded, old_folder, self._current = copy, None, self._current, folder
        except BaseException:
            self._recorded = None
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(old_folder, ignore_errors=True)
        log.info("%s: search graph rebuilt in %.1f s", self._folder.name, time.monotonic() - started)

    def close(self) -> None:
        with self._lock:
            self.shard.flush()
            self.shard.close()


class Shards:
    """All collections below one folder, opened on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, Collection] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._optimizer: subprocess.Popen[bytes] | None = None

    def get(self, name: str) -> Collection | None:
        """Return the collection, or None if it does not exist. Raises VectorStoreError if it is damaged."""
        folder = self._root / name
        with self._lock:
            if name not in self._open and (folder / "current.json").exists():
                try:
                    self._open[name] = Collection.load(folder)
                except Exception as error:
                    log.exception("%s cannot be opened", folder)
                    detail = (
                        f"The vectors in {folder} cannot be opened ({error}). Restore the folder from a backup; or move"
                        " it away, restart, and run `manage.py reconcile --repair` to make it again."
                    )
                    raise VectorStoreError("vector_store_damaged", detail) from error
            return self._open.get(name)

    def get_or_create(self, name: str, dimensions: int) -> Collection:
        existing = self.get(name)
        if existing:
            return existing
        with self._lock:
            if name not in self._open:
                self._open[name] = Collection.create(self._root / name, dimensions)
            return self._open[name]

    def start_maintenance(self) -> None:
        """Start two threads that flush and rebuild collections when due, until `close`."""
        rebuild = partial(Collection.rebuild, run=self._run_optimizer)
        for thread in (
            threading.Thread(
                target=self._maintain, args=(Collection.needs_flush, Collection.flush), daemon=True
            ),
            threading.Thread(target=self._maintain, args=(Collection.needs_rebuild, rebuild), daemon=True),
        ):
            thread.start()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        self._closing.set()
        if self._optimizer:
            self._optimizer.kill()
        with self._lock:
            for collection in self._open.values():
                collection.close()

    def _maintain(self, is_due: Callable[[Collection], bool], work: Callable[[Collection], None]) -> None:
        while not self._closing.wait(1):
            for collection in list(self._open.values()):
                try:
                    if is_due(collection):
                        work(collection)
                except Exception:
                    if not self.closing:
                        log.exception("Upkeep failed; the next round tries again")

    def _run_optimizer(self, command: list[str]) -> None:
        self._optimizer = subprocess.Popen(command)
        if self.closing:
            self._optimizer.kill()
        code = self._optimizer.wait()
        if code:
            raise RuntimeError(f"The optimizer ended with code {code}.")


def _make_subfolder(folder: Path) -> Path:
    subfolder = folder / uuid4().hex
    subfolder.mkdir(parents=True)
    return subfolder


def _write_manifest(folder: Path, current: Path, *, indexed: int) -> None:
    """Replace `current.json` atomically. `indexed` is the number of points in the search graph."""
    draft = folder / "current.json.new"
    draft.write_text(json.dumps({"folder": current.name, "indexed": indexed}))
    draft.replace(folder / "current.json")
