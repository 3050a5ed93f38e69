"""What the int8 model costs in quality: nDCG@10 of the built-in embedder's two precisions, through the whole product.

`python -m benchmarks.quality` takes some three minutes on two quiet cores; other collections can be named as arguments.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import sys
from collections.abc import Sequence
from itertools import product

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

COLLECTIONS = ("cranfield", "med")
PRECISIONS = ("int8", "fp32")
MAX_LOSS = 0.005


def main(names: Sequence[str]) -> None:
    datasets = [evaluation.load(data.folder("quality") / name) for name in names]
    scores: dict[tuple[str, str, str], float] = {}
    with instance.running():
        for dataset, precision in product(datasets, PRECISIONS):
            with override_settings(EMBEDDING_PRECISION=precision):
                actor = instance.new_tenant()
                reference_id = evaluation.ingest(actor, dataset, no_progress)
                work_in_process(handler_of(IngestionJob), actor.tenant_id)
                values = {
                    mode.value: evaluation.measure(actor, reference_id, dataset, mode, no_progress)["ndcg@10"]
                    for mode in Mode
                }
            print(f"{dataset.name}, {precision}: {values}", file=sys.stderr)  # noqa: T201
            scores |= {(dataset.name, precision, mode): value for mode, value in values.items()}
        file_parser().close()
    rows, worse = list[Row](), list[str]()
    for dataset in datasets:
        row: Row = {"nDCG@10": dataset.name}
        for mode, precision in product((Mode.HYBRID, Mode.DENSE), PRECISIONS):
            row[f"{mode}, {precision}"] = f"{scores[dataset.name, precision, mode]:.4f}"
        loss = scores[dataset.name, "fp32", Mode.HYBRID] - scores[dataset.name, "int8", Mode.HYBRID]
        row["BM25"] = f"{scores[dataset.name, 'int8', Mode.SPARSE]:.4f}"
        rows.append({**row, "int8 costs hybrid": f"{loss:.4f}", "Target": f"≤ {MAX_LOSS}"})
        worse += [dataset.name] if loss > MAX_LOSS else []
    save("quality", command=" ".join(("python -m benchmarks.quality", *names)), rows=rows)
    if worse:
        sys.exit(f"int8 finds less than fp32 in: {', '.join(worse)}.")


if __name__ == "__main__":
    main(sys.argv[1:] or COLLECTIONS)
