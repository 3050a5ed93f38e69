"""What people do meanwhile, through the services: add, replace, delete, bring back, index anew, and two of them the same at
once. They try again when the database is away, so that what should be there in the end is known exactly."""

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
BACKLOG = 40
PAUSE = 2.0
AT_ONCE = 20


class People(Thread):
    """`expected` is the content that each name should answer with, `ids` are its document's; `gone` was deleted."""

    def __init__(
        self, actor: Actor, reference_id: UUID, contents: Sequence[Content], log: Log, seed: int
    ) -> None:
        super().__init__(name="people", daemon=True)
        self._actor, self._reference_id, self._log = actor, reference_id, log
        self._rng, self._quiet = random.Random(seed), Event()
        self._contents = contents
        self.expected: dict[str, Content] = {}
        self.ids: dict[str, UUID] = {}
        self.gone: dict[str, Content] = {}
        self.deleted: set[UUID] = set()
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        acts = [self._replace, self._delete, self._bring_back, self._say_again, self._index_anew, self._twice]
        while not self._quiet.is_set():
            act = self._rng.choices(acts, weights=(6, 3, 3, 1, 2, 1))[0]
            act()
            self.done[act.__name__.strip("_")] += 1
            is_busy = self._insist(lambda: unfinished(ingestion(), self._actor.tenant_id)) > BACKLOG
            self._quiet.wait(PAUSE if is_busy else 0.1)
        connection.close()

    def settle(self) -> None:
        """Stop; what was deleted comes back, and all but the papers goes."""
        self._quiet.set()
        self.join()
        self.remove([name for name in self.expected if not name.startswith(KEPT)])
        self.add({name: content for name, content in self.gone.items() if name.startswith(KEPT)})

    def add(self, named: dict[str, Content]) -> None:
        names = list(named)
        for start in range(0, len(names), AT_ONCE):
            self._add({name: named[name] for name in names[start : start + AT_ONCE]})

    def _add(self, named: dict[str, Content]) -> None:
        uploads = [_upload(name, content) for name, content in named.items()]
        for added in self._insist(
            lambda: add_documents(actor=self._actor, reference_id=self._reference_id, uploads=uploads)
        ):
            self.ids[added.external_id] = added.document_id
            self._log.write("added", name=added.external_id, key=named[added.external_id].key)
        self.expected |= named
        self.gone = {name: content for name, content in self.gone.items() if name not in named}

    def remove(self, names: Sequence[str]) -> None:
        ids = [self.ids[name] for name in names]
        for start in range(0, len(ids), AT_ONCE):
            self._insist(partial(self._delete_some, ids[start : start + AT_ONCE]))
        self._log.write("deleted", names=list(names))
        self.deleted |= set(ids)
        self.gone |= {name: self.expected.pop(name) for name in names}

    def _delete_some(self, ids: Sequence[UUID]) -> None:
        try:
            delete_documents(actor=self._actor, document_ids=ids)
        except DocumentNotFoundError:
            self.done["deleted already, by an attempt of unclear end"] += 1

    def _some(self, among: dict[str, Content], most: int = 5) -> list[str]:
        return self._rng.sample(sorted(among), min(len(among), self._rng.randint(1, most)))

    def _replace(self) -> None:
        """By another content of the same type."""
        self._add(
            {
                name: self._rng.choice([one for one in self._contents if one.suffix == content.suffix])
                for name in self._some(self.expected)
                if (content := self.expected[name])
            }
        )

    def _delete(self) -> None:
        self.remove(self._some(self.expected))

    def _bring_back(self) -> None:
        if self.gone:
            self._add({name: self.gone[name] for name in self._some(self.gone)})

    def _say_again(self) -> None:
        self._add({name: self.expected[name] for name in self._some(self.expected)})

    def _index_anew(self) -> None:
        ids = [self.ids[name] for name in self._some(self.expected)]
        self._insist(lambda: reindex_documents(actor=self._actor, document_ids=ids))

    def _twice(self) -> None:
        """Two people add the same new files at once, in opposite order."""
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

    def _insist(self, act: Callable[[], T]) -> T:
        while True:
            try:
                return act()
            except (DatabaseError, DocumentBusyError) as error:
                self.failures.append(str(error))
                connection.close()
                time.sleep(0.2)


def _upload(name: str, content: Content) -> Upload:
    return Upload(external_id=name, filename=Path(name).name, path=content.path)


def named(contents: Sequence[Content], folder: str) -> dict[str, Content]:
    return {f"{folder}{number:03}{content.suffix}": content for number, content in enumerate(contents)}
