"""A user who searches all the time, and must never find deleted documents, or texts that were not uploaded."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from threading import Event, Thread
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from core.actors import Actor
from engines.embedding import EmbeddingError
from engines.vectors import VectorStoreError
from knowledge.search.service import search

QUERY_WORDS = 8


class Searcher(Thread):
    """`deleted` grows while it runs. `wrong` has messages about hits that should not have been found."""

    def __init__(self, actor: Actor, texts: Sequence[str], deleted: set[UUID], seed: int) -> None:
        super().__init__(name="searcher", daemon=True)
        self._actor, self._deleted = actor, deleted
        self._texts, self._sorted_texts = frozenset(texts), sorted(texts)
        self._rng, self._stopped = random.Random(seed), Event()
        self.searches = self.hits = self.unanswered = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._search()
            except (DatabaseError, EmbeddingError, VectorStoreError):
                self.unanswered += 1
                connection.close()
            time.sleep(0.2)
        connection.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _search(self) -> None:
        words = self._rng.choice(self._sorted_texts).split()
        query = " ".join(self._rng.sample(words, min(len(words), QUERY_WORDS)))
        deleted = frozenset(self._deleted)
        chunks = search(actor=self._actor, query=query, limit=50)
        self.searches += 1
        self.hits += len(chunks)
        for chunk in chunks:
            if chunk.document_id in deleted:
                self.wrong.append(f"{chunk.filename} was deleted, and found")
            if chunk.text not in self._texts:
                self.wrong.append(f"{chunk.filename} was found with an unknown text")
