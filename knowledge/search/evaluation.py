"""Evaluating the search: a data set in BEIR's layout is ingested like any folder, all its queries are run in each mode, and
nDCG@10, recall@100 and MRR@10 are calculated by `ir_measures`. Documents are ranked, by their best chunk."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.batching import batched
from core.isolation.scope import tenant_scope
from core.progress import Progress
from engines.vectors import Mode
from knowledge.errors import DatasetInvalidError
from knowledge.models import Document
from knowledge.search.filters import SearchFilters
from knowledge.search.service import search
from knowledge.services.adding import add_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.values import Upload

WORKSPACE = "Evaluation"
# More chunks are searched than documents are ranked, because a document may have several chunks among the best. The first of
# them are those that a search for fewer finds.
RANKED_DOCUMENTS, SEARCHED_CHUNKS = 100, 300
UPLOADS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """`judgments`: (query id, document id) → relevance. `queries` has only those with a judgment."""

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    judgments: dict[tuple[str, str], int]


def load(folder: Path) -> Dataset:
    """Raise DatasetInvalidError, which names the file and line."""
    judgments: dict[tuple[str, str], int] = {}
    path = folder / "qrels" / "test.tsv"
    for number, row in enumerate(csv.reader(_lines(path), delimiter="\t"), start=1):
        if number == 1 and row[-1:] == ["score"]:
            continue
        try:
            query, document, score = row
            judgments[query, document] = int(score)
        except ValueError as error:
            raise DatasetInvalidError(f"{path}, line {number}: needs query, document and score.") from error
    judged = {query for query, _ in judgments}
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl", ("_id", "text"))}
    corpus: dict[str, str] = {}
    for document_row in _rows(folder / "corpus.jsonl", ("_id", "text")):
        title = " ".join(str(document_row.get("title") or "").split())
        heading = f"# {title}\n\n" if title else ""
        corpus[document_row["_id"]] = f"{heading}{document_row['text']}\n"
    return Dataset(
        name=folder.resolve().name,
        corpus=corpus,
        queries={pk: text for pk, text in queries.items() if pk in judged},
        judgments=judgments,
    )


def _rows(path: Path, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            if not all(isinstance(row[key], str) for key in keys):
                raise DatasetInvalidError(f"{path}, line {number}: {', '.join(keys)} must be text.")
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetInvalidError(f"{path}, line {number}: {error!r}.") from error
        yield row


def _lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise DatasetInvalidError(
            f"'{path}' is missing. A dataset has corpus.jsonl, queries.jsonl, qrels/test.tsv."
        )
    with path.open(encoding="utf-8") as file:
        yield from file


def ingest(actor: Actor, dataset: Dataset, progress: Progress) -> UUID:
    """Queue the corpus in a reference of its own, and return its id. Unchanged documents are not ingested again."""
    reference = get_or_create_reference(actor=actor, workspace=WORKSPACE, reference=dataset.name)
    with tempfile.TemporaryDirectory(prefix="oyl-evaluate-") as folder:
        for number, documents in enumerate(batched(dataset.corpus.items(), UPLOADS_AT_ONCE)):
            progress("add", done=number * UPLOADS_AT_ONCE, total=len(dataset.corpus))
            uploads = []
            for pk, text in documents:
                path = Path(folder) / hashlib.sha256(pk.encode()).hexdigest()
                path.write_text(text, encoding="utf-8")
                uploads.append(Upload(external_id=pk, filename=f"{pk}.md", path=path))
            add_documents(actor=actor, reference_id=reference.pk, uploads=uploads)
    return reference.pk


def measure(
    actor: Actor, reference_id: UUID, dataset: Dataset, mode: Mode, progress: Progress
) -> dict[str, float]:
    """Return the figures of one mode. Times are in milliseconds, for the whole search including the query's embedding."""
    with tenant_scope(actor.tenant_id):
        names = dict(Document.objects.filter(reference_id=reference_id).values_list("pk", "external_id"))
    rankings: dict[str, dict[str, float]] = {}
    milliseconds: list[float] = []
    for number, (query, text) in enumerate(dataset.queries.items()):
        progress(mode, done=number, total=len(dataset.queries))
        started = time.perf_counter()
        chunks = search(
            actor=actor,
            query=text,
            mode=mode,
            limit=SEARCHED_CHUNKS,
            filters=SearchFilters(references=(reference_id,)),
            operators=False,
            min_score=0,
            audited=False,
        )
        milliseconds.append((time.perf_counter() - started) * 1000)
        scores: dict[str, float] = {}
        for chunk in chunks:
            scores.setdefault(names[chunk.document_id], chunk.score)
        rankings[query] = dict(islice(scores.items(), RANKED_DOCUMENTS))
    return _figures(dataset, rankings, milliseconds)


def _figures(
    dataset: Dataset, rankings: dict[str, dict[str, float]], milliseconds: Sequence[float]
) -> dict[str, float]:
    from ir_measures import RR, R, calc_aggregate, nDCG

    judged: dict[str, dict[str, int]] = {query: {} for query in dataset.queries}
    for (query, document), relevance in dataset.judgments.items():
        if query in judged:
            judged[query][document] = relevance
    measures = {"ndcg@10": nDCG @ 10, "recall@100": R @ 100, "mrr@10": RR @ 10}
    values = calc_aggregate(list(measures.values()), judged, rankings)
    median = percentile95 = sum(milliseconds)
    if len(milliseconds) > 1:
        cuts = quantiles(milliseconds, n=20)
        median, percentile95 = cuts[9], cuts[18]
    return {
        **{name: round(float(values[measure]), 4) for name, measure in measures.items()},
        "queries": len(rankings),
        "p50_ms": round(median, 2),
        "p95_ms": round(percentile95, 2),
    }
