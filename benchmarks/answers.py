"""How often answers without a model quote the right sentence from the right place, and refuse what the documents do not
have; and how many changed answers the check of their sources finds.

`python -m benchmarks.answers` takes some twenty minutes on two quiet cores. With `grounding`, `documents` or names of
collections as arguments, only these are measured.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from django.core.management import CommandError, call_command

from benchmarks import data, grounding
from benchmarks.reports import Row, save
from conversations.answering.extractive import extract
from conversations.answering.selection import select
from conversations.answering.values import Answer, Citation
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.progress import no_progress
from engines.embedding import Embedder
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.engine_config import default_embedder, embedder_named, file_parser, model_for
from knowledge.models import Document, IngestionJob, Reference
from knowledge.search import evaluation
from knowledge.search.service import search
from tenants.models import Tenant

PARTS = ("grounding", "documents")
COLLECTIONS = ("xquad-en", *(f"xquad-{language}" for language in ("el", "es", "hi", "th", "tr", "vi")))
# As an assistant does by default. Collections of many questions are not reranked, because that would take hours.
PASSAGES, PER_DOCUMENT, CANDIDATES = 6, 3, 18
# Of each collection, so many questions evenly taken.
MAX_QUESTIONS = 300
MIN_GOLD, MIN_PAGE, MIN_REFUSED, MAX_REFUSED = 0.85, 0.9, 0.8, 0.1
MIN_FOUND, MAX_FALSE_ALARMS = 0.85, 0.1


class Question(NamedTuple):
    """`golds` are the answers, of which one is enough; none if the documents do not have it. `places` are the documents with
    them, as external id or file's name and page."""

    text: str
    golds: tuple[str, ...] = ()
    places: frozenset[tuple[str, str]] = frozenset()


class Outcome(NamedTuple):
    question: Question
    answer: Answer
    has_gold: bool
    is_first: bool
    milliseconds: float


class Desk:
    """Asks about what one tenant has ingested."""

    def __init__(self, actor: Actor, *, rerank: bool) -> None:
        self._actor, self._rerank = actor, rerank
        with tenant_scope(actor.tenant_id):
            self._names = dict(Document.objects.values_list("pk", "external_id"))
            models = {model_for(reference) for reference in Reference.objects.all()}
        self._embedder: Embedder = embedder_named(models.pop())

    def ask(self, question: Question) -> Outcome:
        found = search(
            actor=self._actor,
            query=question.text,
            limit=CANDIDATES,
            operators=False,
            rerank=self._rerank,
            audited=False,
        )
        started = time.perf_counter()
        passages = select(found, passages=PASSAGES, per_document=PER_DOCUMENT)
        answer = extract(question.text, passages, self._embedder, self._actor.tenant_id)
        milliseconds = (time.perf_counter() - started) * 1000
        quoted = " ".join(" ".join(one.text for one in answer.citations).split())
        has_gold = any(" ".join(gold.split()) in quoted for gold in question.golds)
        is_first = bool(answer.citations) and self._place(answer.citations[0]) in question.places
        return Outcome(question, answer, has_gold, is_first, milliseconds)

    def _place(self, citation: Citation) -> tuple[str, str]:
        name = self._names[citation.document_id].rpartition("/")[2]
        return name, "-" if citation.page is None else str(citation.page)


def main(names: Sequence[str]) -> None:
    collections = [name for name in names if name not in PARTS] or COLLECTIONS
    wanted = {name if name in PARTS else "collections" for name in names} or {*PARTS, "collections"}
    missed = check_answers() if "grounding" in wanted else []
    if wanted - {"grounding"}:
        with instance.running():
            missed += ask_documents() if "documents" in wanted else []
            missed += ask_collections(collections) if "collections" in wanted else []
            file_parser().close()
    if missed:
        sys.exit(f"Missed: {'; '.join(missed)}.")


def check_answers() -> list[str]:
    """Count what the check marks in answers that this project wrote."""
    rows, missed = list[Row](), list[str]()
    cases = grounding.cases()
    kinds = dict.fromkeys(case.kind for case in cases)
    counted = grounding.count(cases, default_embedder())
    for kind in (*kinds, ""):
        chosen = [case for case in cases if kind in ("", case.kind)]
        found = sum(case in chosen for case in counted.found) / len(chosen)
        alarms = sum(case in chosen for case in counted.false_alarms) / len(chosen)
        rows.append(
            {
                "One change": kind or "all",
                "True answers": len(chosen),
                "of which marked": f"{alarms:.3f}",
                "Changed answers": len(chosen),
                "of which are marked": f"{found:.3f}",
                "Target": "–" if kind else f"≤ {MAX_FALSE_ALARMS}, ≥ {MIN_FOUND}",
            }
        )
        missed += ["grounding"] if not kind and (found < MIN_FOUND or alarms > MAX_FALSE_ALARMS) else []
    save("grounding", command="python -m benchmarks.answers grounding", rows=rows)
    return missed


def ask_documents() -> list[str]:
    """Ask this project's own questions about the folder `documents`, reranked as by default."""
    actor = instance.new_tenant()
    tenant = Tenant.objects.using("owner").get(pk=actor.tenant_id)
    options = {"workspace": "Bench", "reference": "documents", "wait": True}
    try:
        call_command("ingest", str(data.folder("documents")), tenant=tenant.name, **options)
    except CommandError as error:  # some of the files cannot be read
        print(error, file=sys.stderr)  # noqa: T201
    outcomes = [*map(Desk(actor, rerank=True).ask, questions_about_documents())]
    rows = [_row("documents", outcomes), *_halves("documents", outcomes)]
    save("answers-documents", command="python -m benchmarks.answers documents", rows=rows)
    return _missed("documents", outcomes)


def ask_collections(names: Sequence[str]) -> list[str]:
    """Ask the questions of XQuAD, each about its whole collection."""
    rows, missed = list[Row](), list[str]()
    for name in names:
        folder = data.folder("quality") / name
        dataset, actor = evaluation.load(folder), instance.new_tenant()
        evaluation.ingest(actor, dataset, no_progress)
        work_in_process(handler_of(IngestionJob), actor.tenant_id)
        outcomes = [*map(Desk(actor, rerank=False).ask, _questions_of(dataset, folder / "answers.jsonl"))]
        rows += [_row(name, outcomes), *_halves(name, outcomes)]
        missed += _missed(name, outcomes)
    save("answers", command=" ".join(("python -m benchmarks.answers", *names)), rows=rows)
    return missed


def _questions_of(dataset: evaluation.Dataset, path: Path) -> Iterator[Question]:
    golds = {row["_id"]: tuple(row["answers"]) for row in map(json.loads, path.open(encoding="utf-8"))}
    places = {query: document for (query, document), relevance in dataset.judgments.items() if relevance}
    for query, text in [*dataset.queries.items()][:: max(1, len(dataset.queries) // MAX_QUESTIONS)]:
        yield Question(text, golds[query], frozenset({(places[query], "-")}))


def questions_about_documents() -> list[Question]:
    text = Path(__file__).with_name("document_questions.txt").read_text(encoding="utf-8")
    answered, unanswered = text.split("\n=\n")
    questions = list[Question]()
    for line in answered.splitlines():
        if not line.startswith("#"):
            asked, *golds, files = line.split(" | ")
            places = (file.split() for file in files.split(", "))
            found = frozenset((name, page) for name, *pages in places for page in pages)
            questions.append(Question(asked, (" | ".join(golds),), found))
    return [*questions, *map(Question, unanswered.splitlines())]


def _halves(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
    """Weights and thresholds were fitted on the first one."""
    return [
        _row(f"{name}, {half}", outcomes[start::2]) for start, half in enumerate(("fitted on", "held out"))
    ]


def _row(name: str, outcomes: Sequence[Outcome]) -> Row:
    figures = _figures(outcomes)
    return {
        "Questions": f"{name} ({len(outcomes)})",
        "gold answer quoted": _share(figures.gold),
        "right place cited first": _share(figures.first),
        "refused": _share(figures.refused),
        "without an answer, refused": _share(figures.rightly_refused),
        "sentences": f"{fmean(len(one.answer.sentences) for one in outcomes):.1f}",
        "ms beyond the search": f"{median(one.milliseconds for one in outcomes):.0f}",
    }


class Figures(NamedTuple):
    """Shares; None of no questions."""

    gold: float | None
    first: float | None
    refused: float | None
    rightly_refused: float | None


def _figures(outcomes: Sequence[Outcome]) -> Figures:
    answerable = [one for one in outcomes if one.question.golds]
    others = [one for one in outcomes if not one.question.golds]

    def share(chosen: Sequence[Outcome], is_so: Callable[[Outcome], bool]) -> float | None:
        return fmean(map(is_so, chosen)) if chosen else None

    return Figures(
        share(answerable, lambda one: one.has_gold),
        share(answerable, lambda one: one.is_first),
        share(answerable, lambda one: one.answer.is_refusal),
        share(others, lambda one: one.answer.is_refusal),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _missed(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    figures = _figures(outcomes)
    bounds = (
        (figures.gold, MIN_GOLD),
        (figures.first, MIN_PAGE),
        (-(figures.refused or 0), -MAX_REFUSED),
        (figures.rightly_refused, MIN_REFUSED),
    )
    return [name] if any(value is not None and value < bound for value, bound in bounds) else []


if __name__ == "__main__":
    main(sys.argv[1:])
