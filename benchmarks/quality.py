"""What the int8 model costs in quality: nDCG@10 of the built-in embedder's two precisions, through the whole product.

`python -m benchmarks.quality` takes some three minutes on two quiet cores; other collections can be named as arguments.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import sys
from collections.abc import Sequence

from django.test import override_settings

from benchmarks import data
from benchmarks.reports import Row, save
from core.progress import no_progress
from engines.vectors import Mode
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.engine_config import file_parser
from knowledge.models import IngestionJob
from knowledge.search import evaluation
from knowledge.search.evaluation import Dataset

COLLECTIONS = ("cranfield", "med")
PRECISIONS = ("int8", "fp32")
LARGEST_LOSS = 0.005

Figures = dict[tuple[str, str], float]


def main(names: Sequence[str]) -> None:
    datasets = [evaluation.load(data.folder("quality") / name) for name in names]
    with instance.running():
        measured = {dataset.name: _measure(dataset) for dataset in datasets}
        file_parser().close()
    rows = [_row(name, figures) for name, figures in measured.items()]
    save("quality", command=" ".join(("python -m benchmarks.quality", *names)), rows=rows)
    if worse := [name for name, figures in measured.items() if _loss(figures) > LARGEST_LOSS]:
        sys.exit(f"int8 finds less than fp32 in: {', '.join(worse)}.")


def _measure(dataset: Dataset) -> Figures:
    """nDCG@10 of each precision in each mode."""
    found: Figures = {}
    for precision in PRECISIONS:
        with override_settings(EMBEDDING_PRECISION=precision):
            values = _evaluate(dataset)
        print(f"{dataset.name}, {precision}: {values}", file=sys.stderr)  # noqa: T201
        found |= {(precision, mode): value for mode, value in values.items()}
    return found


def _evaluate(dataset: Dataset) -> dict[str, float]:
    actor = instance.new_tenant()
    reference_id = evaluation.ingest(actor, dataset, no_progress)
    work_in_process(handler_of(IngestionJob), actor.tenant_id)
    return {
        mode.value: evaluation.measure(actor, reference_id, dataset, mode, no_progress)["ndcg@10"]
        for mode in Mode
    }


def _loss(figures: Figures) -> float:
    return figures["fp32", Mode.HYBRID] - figures["int8", Mode.HYBRID]


def _row(name: str, figures: Figures) -> Row:
    shown = {
        f"{mode}, {precision}": f"{figures[precision, mode]:.4f}"
        for mode in (Mode.HYBRID, Mode.DENSE)
        for precision in PRECISIONS
    }
    return {
        "nDCG@10": name,
        **shown,
        "BM25": f"{figures['int8', Mode.SPARSE]:.4f}",
        "int8 costs hybrid": f"{_loss(figures):.4f}",
        "Target": f"≤ {LARGEST_LOSS}",
    }


if __name__ == "__main__":
    main(sys.argv[1:] or COLLECTIONS)
