"""Users, who meanwhile add, replace, delete, restore and reindex documents through the services, some at the same time. They
retry when the database is unavailable, so that the expected result is known exactly."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from core.actors import Actor
from jobs.drain import unfinished
from knowledge.errors import DocumentBusyError, DocumentNotFoundError
from knowledge.services.adding import add_documents
from knowledge.services.changing import delete_documents, reindex_documents
from knowledge.storage.values import Upload
from tests.knowledge.libraries import ingestion
from tests.proof.chaos.corpus import Content
from tests.proof.chaos.events import Log

T = TypeVar("T")
KEPT = "papers/"
MAX_BACKLOG = 40
PAUSE_SECONDS = 2.0
BATCH_SIZE = 20


class Users(Thread):
    """By name: `expected` has the content of the documents that should exist, `gone` of the deleted ones, and `ids` the
    document ids. `done` counts the actions."""

    def __init__(
        self, actor: Actor, reference_id: UUID, contents: Sequence[Content], log: Log, seed: int
    ) -> None:
        super().__init__(name="users", daemon=True)
        self._actor, self._reference_id, self._log = actor, reference_id, log
        self._rng, self._stopped = random.Random(seed), Event()
        self._contents = contents
        self.expected: dict[str, Content] = {}
        self.ids: dict[str, UUID] = {}
        self.gone: dict[str, Content] = {}
        self.deleted: set[UUID] = set()
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        actions = {
            "replace": self._replace,
            "delete": self._delete,
            "restore": self._restore,
            "add unchanged": self._add_unchanged,
            "re-index": self._reindex,
            "add concurrently": self._add_concurrently,
        }
        while not self._stopped.is_set():
            name = self._rng.choices(list(actions), weights=(6, 3, 3, 1, 2, 1))[0]
            actions[name]()
            self.done[name] += 1
            is_busy = self._retry(lambda: unfinished(ingestion(), self._actor.tenant_id)) > MAX_BACKLOG
            self._stopped.wait(PAUSE_SECONDS if is_busy else 0.1)
        connection.close()

    def settle(self) -> None:
        """Stop, restore the deleted papers, and delete everything else."""
        self._stopped.set()
        self.join()
        self.remove([name for name in self.expected if not name.startswith(KEPT)])
        self.add({name: content for name, content in self.gone.items() if name.startswith(KEPT)})

    def add(self, named: dict[str, Content]) -> None:
        names = list(named)
        for start in range(0, len(names), BATCH_SIZE):
            self._add({name: named[name] for name in names[start : start + BATCH_SIZE]})

    def _add(self, named: dict[str, Content]) -> None:
        uploads = [
            Upload(external_id=name, filename=Path(name).name, path=content.path)
            for name, content in named.items()
        ]
        for added in self._retry(
            lambda: add_documents(actor=self._actor, reference_id=self._reference_id, uploads=uploads)
        ):
            self.ids[added.external_id] = added.document_id
            self._log.write("added", name=added.external_id, key=named[added.external_id].key)
        self.expected |= named
        self.gone = {name: content for name, content in self.gone.items() if name not in named}

    def remove(self, names: Sequence[str]) -> None:
        ids = [self.ids[name] for name in names]
        for start in range(0, len(ids), BATCH_SIZE):
            self._retry(partial(self._delete_batch, ids[start : start + BATCH_SIZE]))
        self._log.write("deleted", names=list(names))
        self.deleted |= set(ids)
        self.gone |= {name: self.expected.pop(name) for name in names}

    def _delete_batch(self, ids: Sequence[UUID]) -> None:
        try:
            delete_documents(actor=self._actor, document_ids=ids)
        except DocumentNotFoundError:
            self.done["deleted already, by an attempt of unclear end"] += 1

    def _sample(self, named: dict[str, Content]) -> list[str]:
        """Return up to five of the names."""
        return self._rng.sample(sorted(named), min(len(named), self._rng.randint(1, 5)))

    def _replace(self) -> None:
        """Replace documents by other content of the same type."""
        self._add(
            {
                name: self._rng.choice([one for one in self._contents if one.suffix == content.suffix])
                for name in self._sample(self.expected)
                if (content := self.expected[name])
            }
        )

    def _delete(self) -> None:
        self.remove(self._sample(self.expected))

    def _restore(self) -> None:
        if self.gone:
            self._add({name: self.gone[name] for name in self._sample(self.gone)})

    def _add_unchanged(self) -> None:
        self._add({name: self.expected[name] for name in self._sample(self.expected)})

    def _reindex(self) -> None:
        ids = [self.ids[name] for name in self._sample(self.expected)]
        self._retry(lambda: reindex_documents(actor=self._actor, document_ids=ids))

    def _add_concurrently(self) -> None:
        """Two users add the same new files at the same time, in opposite order."""
        number = self.done["twice"]
        named = {f"twins/{number}-{one.path.name}": one for one in self._rng.sample(self._contents, 4)}
        backwards = dict(reversed(named.items()))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._add_and_close, (named, backwards)))

    def _add_and_close(self, named: dict[str, Content]) -> None:
        try:
            self._add(named)
        finally:
            connection.close()

    def _retry(self, function: Callable[[], T]) -> T:
        while True:
            try:
                return function()
            except (DatabaseError, DocumentBusyError) as error:
                self.failures.append(str(error))
                connection.close()
                time.sleep(0.2)


def named(contents: Sequence[Content], folder: str) -> dict[str, Content]:
    return {f"{folder}{number:03}{content.suffix}": content for number, content in enumerate(contents)}
