"""Somebody who searches all the time, and must never find what was deleted, nor a text that nobody uploaded."""

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

WORDS = 8


class Seeker(Thread):
    """`deleted` grows while it runs. `wrong` has what should not have been found."""

    def __init__(self, actor: Actor, texts: Sequence[str], deleted: set[UUID], seed: int) -> None:
        super().__init__(name="seeker", daemon=True)
        self._actor, self._texts, self._deleted = actor, sorted(texts), deleted
        self._known, self._rng, self._quiet = frozenset(texts), random.Random(seed), Event()
        self.searches = self.hits = self.unanswered = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._quiet.is_set():
            try:
                self._search()
            except (DatabaseError, EmbeddingError, VectorStoreError):
                self.unanswered += 1
                connection.close()
            time.sleep(0.2)
        connection.close()

    def stop(self) -> None:
        self._quiet.set()
        self.join()

    def _search(self) -> None:
        words = self._rng.choice(self._texts).split()
        query = " ".join(self._rng.sample(words, min(len(words), WORDS)))
        deleted = frozenset(self._deleted)
        passages = search(actor=self._actor, query=query, limit=50)
        self.searches += 1
        self.hits += len(passages)
        for passage in passages:
            if passage.document_id in deleted:
                self.wrong.append(f"{passage.filename} was deleted, and found")
            if passage.text not in self._known:
                self.wrong.append(f"{passage.filename} was found with a text of nobody's")
