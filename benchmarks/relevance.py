"""Fits the weights of `engines/vectors/relevance.py` on judged questions, and measures how well they hold.

`python -m benchmarks.relevance` prints the weights, and saves the figures of collections that took no part: each one is left
out of a fit in turn. It takes some fifteen minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import sys
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from benchmarks import data
from benchmarks.judged_hits import Judged, Kind, kinds_of_questions
from benchmarks.reports import Row, save
from engines.embedding import E5Config, Embedder, MiniLMConfig, get_embedder
from engines.vectors.relevance import Weights
from knowledge.engine_config import vector_store
from knowledge.search import evaluation

OTHERS = ("xquad-el", "xquad-es", "xquad-hi", "xquad-th", "xquad-tr", "xquad-vi")
IN_ENGLISH = tuple(("MiniLM", name) for name in data.ENGLISH)
# The second model takes long, and long texts in English add little to what the first one says.
READ = (*IN_ENGLISH, *(("E5", name) for name in ("med", "xquad-en", *OTHERS)))
UNREAD = tuple(("MiniLM", name) for name in OTHERS)
# So many hits of a question are looked at.
DEPTH = 10
# Keywords are judged by what was asked in sentences, and nonsense is rare.
KEYWORD_SHARE, NONSENSE_SHARE = 0.3, 2.0
ROUNDS, STEPS, RIDGE = 6, 30, 1e-5
Floats = NDArray[np.float64]


class Fit(NamedTuple):
    """Some weights, by what found the hits, and on which models and collections."""

    name: str
    found_by: str
    places: tuple[tuple[str, str], ...]


FITS = (
    Fit("READ.hybrid", "hybrid", READ),
    Fit("READ.dense", "dense", READ),
    Fit("UNREAD.hybrid", "hybrid", UNREAD),
    Fit("UNREAD.dense", "dense", UNREAD),
    Fit("WORDS_ONLY", "words", (*IN_ENGLISH, *UNREAD)),
)


def fit(collections: Sequence[list[Kind]], found_by: str) -> Weights:
    """By Newton's method; the margins depend on the weights, so it is repeated. A weight that is 0 stays so."""
    weights = Weights(0, 0 if found_by == "words" else 5, 0 if found_by == "dense" else 5, 0.5)
    used = [0, *(place for place in (1, 2) if weights[place]), 3]
    for _ in range(ROUNDS):
        parts = [part for kinds in collections for part in _weighted(kinds, found_by, weights)]
        rows, relevant, shares = (np.concatenate(column) for column in zip(*parts, strict=True))
        fitted = np.zeros(4)
        fitted[used] = _logistic_regression(rows[:, used], relevant, shares)
        bias, cosine, words, margin = fitted.tolist()
        weights = Weights(bias, max(cosine, 0), max(words, 0), max(margin, 0))
    return weights


def _weighted(
    kinds: Sequence[Kind], found_by: str, weights: Weights
) -> list[tuple[Floats, NDArray[np.bool_], Floats]]:
    """The rows of each kind of questions, and how much each row counts."""
    size = sqrt(len(kinds[0].judged))
    parts = []
    for kind in kinds:
        rows = [rows_of(one[found_by], weights) for one in kind.judged if len(one[found_by].relevant)]
        if rows:
            features, relevant = (np.concatenate(column) for column in zip(*rows, strict=True))
            share = {"sentences": size, "nonsense": NONSENSE_SHARE}.get(kind.name, size * KEYWORD_SHARE)
            parts.append((features, relevant, np.full(len(relevant), share / len(relevant))))
    return parts


def rows_of(judged: Judged, weights: Weights) -> tuple[Floats, NDArray[np.bool_]]:
    """A row (1, likeness, words, margin) for each of the best hits, the best first."""
    strengths = judged.signals @ np.array([weights.likeness, weights.words])
    best = np.argsort(-strengths, kind="stable")[:DEPTH]
    ordered = strengths[best]
    margins = ordered - ordered[:1].sum()
    margins[:1] = ordered[:1] - ordered[:2][-1:]
    return np.column_stack([np.ones(len(best)), judged.signals[best], margins]), judged.relevant[best]


def _logistic_regression(rows: Floats, relevant: NDArray[np.bool_], shares: Floats) -> Floats:
    beta, shares = np.zeros(rows.shape[1]), shares / shares.sum()
    for _ in range(STEPS):
        probabilities = 1 / (1 + np.exp(-rows @ beta))
        gradient = rows.T @ (shares * (relevant - probabilities)) - RIDGE * beta
        curvature = (rows.T * (shares * probabilities * (1 - probabilities))) @ rows
        beta += np.linalg.solve(curvature + RIDGE * np.eye(len(beta)), gradient)
    return beta


def relevances(kind: Kind, found_by: str, weights: Weights) -> tuple[list[Floats], list[NDArray[np.bool_]]]:
    """For each question, what the weights say of its best hits, and whether they are relevant."""
    rows = [rows_of(one[found_by], weights) for one in kind.judged]
    return [1 / (1 + np.exp(-features @ np.array(weights))) for features, _ in rows], [
        judged for _, judged in rows
    ]


def figures(kinds: Sequence[Kind], found_by: str, weights: Weights) -> Row:
    by_question, judged = relevances(kinds[0], found_by, weights)
    relevance, relevant = np.concatenate(by_question), np.concatenate(judged)
    row: Row = {"Questions": len(by_question)}
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
        inside = (relevance >= low) & (relevance < high)
        row[f"{low}–{high}"] = f"{relevant[inside].mean():.2f} ({inside.sum()})" if inside.any() else "–"
    for kind in (kinds[0], kinds[-1]):
        best = [max(one, default=0) for one in relevances(kind, found_by, weights)[0]]
        row[f"best ≥ 0.2, {kind.name}"] = f"{np.mean(np.array(best) >= 0.2):.3f}"
    return row


def main() -> None:
    folder, threads = settings.MODEL_DIR, settings.EMBEDDING_THREADS
    embedders: dict[str, Embedder] = {
        "MiniLM": get_embedder(MiniLMConfig(precision="int8", threads=threads, folder=folder)),
        "E5": get_embedder(E5Config(precision="int8", threads=threads, folder=folder)),
    }
    hits: dict[tuple[str, str], list[Kind]] = {}
    with instance.running():
        for model, name in dict.fromkeys(place for one in FITS for place in one.places):
            dataset = evaluation.load(data.folder("quality") / name)
            hits[model, name] = [*kinds_of_questions(dataset, embedders[model], vector_store())]
            print(model, name, file=sys.stderr)  # noqa: T201
    rows = [row for one in FITS for row in _measured(one, hits)]
    save("relevance", command="python -m benchmarks.relevance", rows=rows)


def _measured(one: Fit, hits: dict[tuple[str, str], list[Kind]]) -> list[Row]:
    """The figures of each collection, by weights that were fitted on the others; prints those that were fitted on all."""
    weights = fit([hits[place] for place in one.places], one.found_by)
    print(f"{one.name}: {', '.join(f'{name} {weight:.2f}' for name, weight in weights._asdict().items())}")  # noqa: T201
    rows = list[Row]()
    for name in dict.fromkeys(collection for _, collection in one.places):
        left = fit([hits[place] for place in one.places if place[1] != name], one.found_by)
        for model, collection in one.places:
            if collection == name:
                row = figures(hits[model, name], one.found_by, left)
                rows.append({"Weights": one.name, "Left out": f"{name}, {model}", **row})
    return rows


if __name__ == "__main__":
    main()
