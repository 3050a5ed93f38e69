"""How good is search? A collection in BEIR's layout is ingested like any folder, asked all its questions in each mode, and
measured: nDCG@10, recall@100 and MRR@10 by `ir_measures`, over documents (a document counts as its best passage)."""

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
# A document may have several passages among the best: to rank 100 documents, more passages are asked for.
DEPTH, PASSAGES = 100, 300
AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """`judgments`: (query id, document id) → relevance. Only judged queries are asked."""

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    judgments: dict[tuple[str, str], int]


def load(folder: Path) -> Dataset:
    """Raises DatasetInvalidError, which names the file and line."""
    judgments = dict(_judgments(folder / "qrels" / "test.tsv"))
    judged = {query for query, _ in judgments}
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl", ("_id", "text"))}
    return Dataset(
        name=folder.resolve().name,
        corpus={row["_id"]: _as_markdown(row) for row in _rows(folder / "corpus.jsonl", ("_id", "text"))},
        queries={pk: text for pk, text in queries.items() if pk in judged},
        judgments=judgments,
    )


def _as_markdown(row: dict[str, Any]) -> str:
    title = " ".join(str(row.get("title") or "").split())
    return f"# {title}\n\n{row['text']}\n" if title else f"{row['text']}\n"


def _rows(path: Path, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            if not all(isinstance(row[key], str) for key in keys):
                raise DatasetInvalidError(f"{path}, line {number}: {', '.join(keys)} must be text.")
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetInvalidError(f"{path}, line {number}: {error!r}.") from error
        yield row


def _judgments(path: Path) -> Iterator[tuple[tuple[str, str], int]]:
    for number, row in enumerate(csv.reader(_lines(path), delimiter="\t"), start=1):
        if number == 1 and row[-1:] == ["score"]:
            continue
        try:
            query, document, score = row
            yield (query, document), int(score)
        except ValueError as error:
            raise DatasetInvalidError(f"{path}, line {number}: needs query, document and score.") from error


def _lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise DatasetInvalidError(
            f"'{path}' is missing. A dataset has corpus.jsonl, queries.jsonl, qrels/test.tsv."
        )
    with path.open(encoding="utf-8") as file:
        yield from file


def ingest(actor: Actor, dataset: Dataset, progress: Progress) -> UUID:
    """Queue the corpus in a reference of its own, whose id is returned; what is there unchanged costs nothing."""
    reference = get_or_create_reference(actor=actor, workspace=WORKSPACE, reference=dataset.name)
    with tempfile.TemporaryDirectory(prefix="oyl-evaluate-") as scratch:
        for number, some in enumerate(batched(dataset.corpus.items(), AT_ONCE)):
            progress("add", done=number * AT_ONCE, total=len(dataset.corpus))
            uploads = [_upload(pk, text, Path(scratch)) for pk, text in some]
            add_documents(actor=actor, reference_id=reference.pk, uploads=uploads)
    return reference.pk


def _upload(pk: str, text: str, scratch: Path) -> Upload:
    path = scratch / hashlib.sha256(pk.encode()).hexdigest()
    path.write_text(text, encoding="utf-8")
    return Upload(external_id=pk, filename=f"{pk}.md", path=path)


def measure(
    actor: Actor, reference_id: UUID, dataset: Dataset, mode: Mode, progress: Progress
) -> dict[str, float]:
    """The figures of one mode; times in milliseconds, of the whole search with the query's embedding."""
    with tenant_scope(actor.tenant_id):
        names = dict(Document.objects.filter(reference_id=reference_id).values_list("pk", "external_id"))
    run: dict[str, dict[str, float]] = {}
    milliseconds: list[float] = []
    for number, (query, text) in enumerate(dataset.queries.items()):
        progress(mode, done=number, total=len(dataset.queries))
        started = time.perf_counter()
        passages = search(
            actor=actor,
            query=text,
            mode=mode,
            limit=PASSAGES,
            filters=SearchFilters(references=(reference_id,)),
            audited=False,
        )
        milliseconds.append((time.perf_counter() - started) * 1000)
        best: dict[str, float] = {}
        for passage in passages:
            best.setdefault(names[passage.document_id], passage.score)
        run[query] = dict(islice(best.items(), DEPTH))
    return {**_measures(dataset, run), "queries": len(run), **_times(milliseconds)}


def _measures(dataset: Dataset, run: dict[str, dict[str, float]]) -> dict[str, float]:
    from ir_measures import RR, R, calc_aggregate, nDCG

    judged: dict[str, dict[str, int]] = {query: {} for query in dataset.queries}
    for (query, document), relevance in dataset.judgments.items():
        if query in judged:
            judged[query][document] = relevance
    named = {"ndcg@10": nDCG @ 10, "recall@100": R @ 100, "mrr@10": RR @ 10}
    found = calc_aggregate(list(named.values()), judged, run)
    return {name: round(float(found[measure]), 4) for name, measure in named.items()}


def _times(milliseconds: Sequence[float]) -> dict[str, float]:
    if len(milliseconds) < 2:
        return {"p50_ms": round(sum(milliseconds), 2), "p95_ms": round(sum(milliseconds), 2)}
    cuts = quantiles(milliseconds, n=20)
    return {"p50_ms": round(cuts[9], 2), "p95_ms": round(cuts[18], 2)}
