"""The hits of judged questions, as signals: a collection's passages are embedded and indexed, and its questions asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import uuid4, uuid5

import numpy as np
from numpy.typing import NDArray

from benchmarks import nonsense
from engines.embedding import Embedder, TextRole
from engines.embedding.cosines import cosines_of
from engines.languages import language_of
from engines.parsing.markup.markdown import elements
from engines.vectors import Mode, Point, Query, VectorStore
from engines.vectors.bm25 import count_words
from engines.vectors.fusion import DENSE, SPARSE, Measure, Ranking, signals_of
from knowledge.pipeline.chunking import chunk, embedding_input
from knowledge.search.evaluation import Dataset

# Of larger collections, so many questions evenly taken.
MAX_QUESTIONS = 300
# Keywords are the longest words of a question, so many of them.
KEYWORDS = (1, 2, 3)
BATCH = 256


class Judged(NamedTuple):
    """Of one question: the signals of each hit, one row each, and which hits are relevant."""

    signals: NDArray[np.float64]
    relevant: NDArray[np.bool_]


class Kind(NamedTuple):
    """A kind of questions about one collection. `judged` has, for each question, the hits by vectors and words, by vectors,
    and by words."""

    name: str
    judged: list[dict[str, Judged]]


def kinds_of_questions(dataset: Dataset, embedder: Embedder, store: VectorStore) -> Iterator[Kind]:
    """Sentences, keywords and nonsense."""
    collection = Collection(dataset, embedder, store)
    step = max(1, len(dataset.queries) // MAX_QUESTIONS)
    sentences = dict(list(dataset.queries.items())[::step])
    yield Kind("sentences", [collection.judge(text, query) for query, text in sentences.items()])
    for count in KEYWORDS:
        shortened = {query: _keywords(text, count) for query, text in sentences.items()}
        judged = [collection.judge(text, query) for query, text in shortened.items() if text]
        yield Kind(f"{count} keywords", judged)
    yield Kind("nonsense", [collection.judge(text) for text in nonsense.questions()])


def _keywords(question: str, count: int) -> str:
    """The longest words in their order, "" if there are no more."""
    words = question.rstrip("?!.").split()
    longest = sorted(words, key=len, reverse=True)[:count]
    return " ".join(word for word in words if word in longest) if len(words) > 2 * count else ""


class Collection:
    def __init__(self, dataset: Dataset, embedder: Embedder, store: VectorStore) -> None:
        self._dataset, self._embedder, self._store = dataset, embedder, store
        self._tenant_id, self._name = uuid4(), embedder.model
        self._documents = dict[str, str]()
        batch = list[tuple[str, str]]()
        for passage in self._passages():
            batch.append(passage)
            if len(batch) == BATCH:
                self._add(batch)
                batch = []
        self._add(batch)

    def _passages(self) -> Iterator[tuple[str, str]]:
        for document, text in self._dataset.corpus.items():
            read = chunk([*elements(text)], counter=self._embedder, max_tokens=self._embedder.max_tokens)
            yield from ((document, embedding_input(one)) for one in read.chunks)

    def _add(self, passages: Sequence[tuple[str, str]]) -> None:
        vectors = self._embedder.embed(self._tenant_id, [text for _, text in passages], TextRole.PASSAGE)
        points = list[Point]()
        for (document, text), vector in zip(passages, vectors, strict=True):
            point_id = uuid5(self._tenant_id, str(len(self._documents)))
            self._documents[str(point_id)] = document
            points.append(
                Point(
                    id=point_id,
                    document_id=point_id,
                    reference_id=self._tenant_id,
                    generation=1,
                    vector=vector.tolist(),
                    text=text,
                    language=language_of(text),
                )
            )
        self._store.upsert(self._tenant_id, self._name, points)

    def judge(self, text: str, query: str = "") -> dict[str, Judged]:
        """{what found the hits: the hits}."""
        vector = self._embedder.embed(self._tenant_id, [text], TextRole.QUESTION)[0]
        rankings = {
            DENSE: self._ranking(Mode.DENSE, text, vector),
            SPARSE: self._ranking(Mode.SPARSE, text, vector),
        }
        measure = Measure(cosines_of(self._embedder), count_words(text), len(self._documents))
        found: dict[str, dict[str, Ranking]] = {
            "hybrid": rankings,
            "dense": {DENSE: rankings[DENSE]},
            "words": {SPARSE: rankings[SPARSE]},
        }
        judged = dict[str, Judged]()
        for name, by in found.items():
            signals = signals_of(by, measure)
            gains = [self._dataset.judgments.get((query, self._documents[id]), 0) for id in signals]
            judged[name] = Judged(np.array([*signals.values()]).reshape(-1, 2), np.array(gains) > 0)
        return judged

    def _ranking(self, mode: Mode, text: str, vector: NDArray[np.float32]) -> Ranking:
        hits = self._store.search(
            self._tenant_id, self._name, Query(mode=mode, text=text, vector=vector.tolist(), limit=100)
        )
        return [(str(hit.point_id), hit.scores[mode.value]) for hit in hits]
