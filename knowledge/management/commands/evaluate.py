"""`evaluate DATASET`: measure search on a collection with relevance judgments."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from engines.vectors import Mode
from jobs.drain import wait_until_idle
from jobs.handlers import handler_of
from knowledge.models import IngestionJob
from knowledge.search import evaluation


class Command(TenantCommand):
    help = "Ingest a collection in BEIR's layout, ask its questions in each mode, and measure the answers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("dataset", type=Path, metavar="DATASET")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, dict[str, float]]:
        dataset = evaluation.load(options["dataset"])
        with self.progress(unit="doc") as progress:
            reference_id = evaluation.ingest(actor, dataset, progress)
            wait_until_idle(handler_of(IngestionJob), actor.tenant_id, progress)
        with self.progress(unit="query") as progress:
            return {
                mode.value: evaluation.measure(actor, reference_id, dataset, mode, progress) for mode in Mode
            }

    def describe(self, result: dict[str, dict[str, float]]) -> str:
        names = list(next(iter(result.values())))
        rows = [["mode", *names], *([mode, *map(str, figures.values())] for mode, figures in result.items())]
        return "\n".join("  ".join(f"{cell:>10}" for cell in row) for row in rows)
