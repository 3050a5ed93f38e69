"""Quality through the whole product: nDCG@10 of each mode, and what the built-in embedder's int8 model costs.

`python -m benchmarks.quality` takes some three minutes on two quiet cores; other collections can be named as arguments. The
precision is that of the installation's own model: a collection whose documents choose another one is measured once.
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
from core.isolation.scope import tenant_scope
from core.progress import no_progress
from engines.vectors import Mode
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.engine_config import default_model, file_parser, model_for
from knowledge.models import IngestionJob, Reference
from knowledge.search import evaluation

COLLECTIONS = ("cranfield", "med")
PRECISIONS = ("int8", "fp32")
MAX_LOSS = 0.005
Scores = dict[str, float]  # by mode


def main(names: Sequence[str]) -> None:
    datasets = [evaluation.load(data.folder("quality") / name) for name in names]
    rows, worse = list[Row](), list[str]()
    with instance.running():
        for dataset in datasets:
            model, scores = _measure(dataset, PRECISIONS[0])
            has_precisions = model == default_model()
            exact = _measure(dataset, PRECISIONS[1])[1] if has_precisions else {}
            rows.append(_row(dataset.name, model, scores, exact))
            print(rows[-1], file=sys.stderr)  # noqa: T201
            loss = exact[Mode.HYBRID] - scores[Mode.HYBRID] if exact else 0
            worse += [dataset.name] if loss > MAX_LOSS or _gain(scores) < 0 else []
        file_parser().close()
    save("quality", command=" ".join(("python -m benchmarks.quality", *names)), rows=rows)
    if worse:
        sys.exit(f"int8 finds less than fp32, or hybrid than one of its parts, in: {', '.join(worse)}.")


def _measure(dataset: evaluation.Dataset, precision: str) -> tuple[str, Scores]:
    """Return the model that the documents have chosen, and nDCG@10 of each mode."""
    with override_settings(EMBEDDING_PRECISION=precision):
        actor = instance.new_tenant()
        reference_id = evaluation.ingest(actor, dataset, no_progress)
        work_in_process(handler_of(IngestionJob), actor.tenant_id)
        with tenant_scope(actor.tenant_id):
            model = model_for(Reference.objects.get(pk=reference_id))
        return model, {
            mode.value: evaluation.measure(actor, reference_id, dataset, mode, no_progress)["ndcg@10"]
            for mode in Mode
        }


def _row(name: str, model: str, scores: Scores, exact: Scores) -> Row:
    row: Row = {"nDCG@10": name, "Model": model.removesuffix(f"-{PRECISIONS[0]}")}
    for mode, (precision, of) in product(
        (Mode.HYBRID, Mode.DENSE), zip(PRECISIONS, (scores, exact), strict=True)
    ):
        row[f"{mode}, {precision}"] = f"{of[mode]:.4f}" if of else "–"
    loss = f"{exact[Mode.HYBRID] - scores[Mode.HYBRID]:.4f}" if exact else "–"
    return {
        **row,
        "BM25": f"{scores[Mode.SPARSE]:.4f}",
        "hybrid gains over the better of both (target: ≥ 0)": f"{_gain(scores):+.4f}",
        f"int8 costs hybrid (target: ≤ {MAX_LOSS})": loss,
    }


def _gain(scores: Scores) -> float:
    """How much better both rankings are than the better one of them."""
    return scores[Mode.HYBRID] - max(scores[Mode.DENSE], scores[Mode.SPARSE])


if __name__ == "__main__":
    main(sys.argv[1:] or COLLECTIONS)
