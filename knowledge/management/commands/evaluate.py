"""`evaluate DATASET`, `evaluate --set SET`: measure search on a collection with judgments, or on an evaluation set."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from engines.vectors import Mode
from jobs.drain import wait_until_idle
from jobs.handlers import handler_of
from knowledge.models import EvaluationRun, IngestionJob
from knowledge.search import evaluation
from knowledge.search.evaluation_runs import run_evaluation
from knowledge.services.evaluation_sets import find_evaluation_set

Figures = dict[str, dict[str, float]]


class Command(TenantCommand):
    help = "Ask the questions of a collection in BEIR's layout, or of an evaluation set, and measure what is found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("dataset", type=Path, metavar="DATASET", nargs="?", help="ingested first")
        what.add_argument("--set", metavar="SET", help="a name or an id; each run is stored")
        parser.add_argument("--rerank", action="store_true", help="rerank what is found, with --set")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Figures:
        if options["set"]:
            found = find_evaluation_set(actor.tenant_id, options["set"])
            runs = (
                run_evaluation(actor=actor, evaluation_set=found, mode=mode, rerank=options["rerank"])
                for mode in Mode
            )
            return {str(run.mode): _figures(run) for run in runs}
        dataset = evaluation.load(options["dataset"])
        with self.progress(unit="doc") as progress:
            reference_id = evaluation.ingest(actor, dataset, progress)
            wait_until_idle(handler_of(IngestionJob), actor.tenant_id, progress)
        with self.progress(unit="query") as progress:
            return {
                mode.value: evaluation.measure(actor, reference_id, dataset, mode, progress) for mode in Mode
            }

    def describe(self, result: Figures) -> str:
        names = list(next(iter(result.values())))
        rows = [["mode", *names], *([mode, *map(str, figures.values())] for mode, figures in result.items())]
        return "\n".join("  ".join(f"{cell:>10}" for cell in row) for row in rows)


def _figures(run: EvaluationRun) -> dict[str, float]:
    return {"ndcg@10": run.ndcg, "recall@10": run.recall, "hit_rate@10": run.hit_rate, "cases": run.cases}
