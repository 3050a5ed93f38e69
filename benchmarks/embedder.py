"""The built-in embedders and sentence-transformers: the same models, texts and number of threads, measured in turns.

`python -m benchmarks.embedder` takes some five minutes on two quiet cores.
"""

from __future__ import annotations

import benchmarks.environment  # noqa: F401  (before all else)

# isort: split
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from django.conf import settings

from benchmarks import data, e5_checkpoint
from benchmarks.peers import environment
from benchmarks.reports import Row, save
from engines.embedding import (
    BuiltInConfig,
    E5Config,
    Embedder,
    MiniLMConfig,
    TextRole,
    Vectors,
    get_embedder,
    tokens,
)
from engines.embedding.e5 import PREFIXES

TEXTS, TOKENS, ROUNDS = 96, 200, 7
PEER, PRECISIONS = "sentence-transformers", ("int8", "fp32")

Rounds = dict[str, list[float]]  # seconds


class Model(NamedTuple):
    """`prefix` is what the peer's texts begin with; `write` puts the model into a folder for the peer, if it has none."""

    config: type[BuiltInConfig]
    min_ratio: float
    prefix: str = ""
    folder: Callable[[], Path] | None = None
    write: Callable[[Path], None] = lambda folder: None


MODELS = (
    Model(MiniLMConfig, 2.0, folder=tokens.model_folder),
    Model(E5Config, 4.0, prefix=PREFIXES[TextRole.PASSAGE], write=e5_checkpoint.write),
)


def main() -> None:
    texts, rows, slow = _texts(), list[Row](), list[str]()
    for model in MODELS:
        version, rounds, cosines = _measure(model, texts)
        rows += _rows(model, version, rounds, cosines)
        if median(_ratios(rounds, "int8")) < model.min_ratio:
            slow.append(f"{model.config.name} is not {model.min_ratio:.0f} times as fast as {PEER}.")
    save("embedder", command="python -m benchmarks.embedder", rows=rows)
    if slow:
        sys.exit(" ".join(slow))


def _measure(model: Model, texts: list[str]) -> tuple[str, Rounds, list[Vectors]]:
    """Return the peer's version, the seconds of all rounds, and the cosines of its vectors to those of both precisions."""
    embedders = [_embedder(model, precision) for precision in PRECISIONS]
    rounds: Rounds = {PEER: [], **{precision: [] for precision in PRECISIONS}}
    with tempfile.TemporaryDirectory(prefix="oyl-embedder-") as scratch:
        folder = model.folder() if model.folder else Path(scratch)
        model.write(folder)
        texts_file, vectors_file = Path(scratch) / "texts.json", Path(scratch) / "vectors.npy"
        texts_file.write_text(json.dumps([model.prefix + text for text in texts]))
        files = (str(folder), str(texts_file), str(vectors_file))
        with environment.start("sentence_encode", *files, str(settings.EMBEDDING_THREADS)) as peer:
            version, vectors = peer.read()["version"], np.load(vectors_file)
            cosines = [(vectors * _embed(embedder, texts)).sum(axis=1) for embedder in embedders]
            for _ in range(ROUNDS):
                rounds[PEER].append(float(peer.request()["seconds"]))
                for precision, embedder in zip(PRECISIONS, embedders, strict=True):
                    started = time.perf_counter()
                    _embed(embedder, texts)
                    rounds[precision].append(time.perf_counter() - started)
    return version, rounds, cosines


def _embedder(model: Model, precision: str) -> Embedder:
    threads, folder = settings.EMBEDDING_THREADS, settings.MODEL_DIR
    embedder: Embedder = get_embedder(model.config(precision=precision, threads=threads, folder=folder))
    return embedder


def _embed(embedder: Embedder, texts: list[str]) -> Vectors:
    return embedder.embed(uuid4(), texts, TextRole.PASSAGE)


def _texts() -> list[str]:
    """Return texts of 200 tokens, evenly sampled from all pages."""
    pages = [path.read_text() for path in sorted(data.folder("scale").rglob("*.*"))]
    encodings = tokens.load_tokenizer().encode_batch(pages, add_special_tokens=False)
    texts: list[str] = []
    for page, encoding in zip(pages, encodings, strict=True):
        offsets = encoding.offsets
        for start in range(0, len(offsets) - TOKENS, TOKENS):
            texts.append(page[offsets[start][0] : offsets[start + TOKENS - 1][1]])
    return texts[:: len(texts) // TEXTS][:TEXTS]


def _rows(model: Model, version: str, rounds: Rounds, cosines: list[Vectors]) -> list[Row]:
    name = model.config.name
    times = {side: f"{median(seconds) / TEXTS * 1000:.1f} ms a text" for side, seconds in rounds.items()}
    int8, fp32 = (f"mean {cosine.mean():.4f}, lowest {cosine.min():.4f}" for cosine in cosines)
    spreads = [
        f"{median(ratios):.1f} × ({min(ratios):.1f} to {max(ratios):.1f} in {len(ratios)} rounds)"
        for ratios in (_ratios(rounds, precision) for precision in PRECISIONS)
    ]
    rows = [
        (f"{name}: {PEER} {version}, fp32, batches of 32", times[PEER], "–"),
        (f"{name}: OYL's embedder, int8, as the product uses it", times["int8"], "–"),
        (f"{name}: OYL's embedder, fp32", times["fp32"], "–"),
        (f"{name}: int8 is faster", spreads[0], f"≥ {model.min_ratio:.0f} ×"),
        (f"{name}: fp32 is faster", spreads[1], "–"),
        (f"{name}: cosine of int8 to the peer's vectors", int8, "–"),
        (f"{name}: cosine of fp32 to the peer's vectors", fp32, "–"),
    ]
    return [{"What": what, "Measured": measured, "Target": target} for what, measured, target in rows]


def _ratios(rounds: Rounds, precision: str) -> list[float]:
    return [peer / own for peer, own in zip(rounds[PEER], rounds[precision], strict=True)]


if __name__ == "__main__":
    main()
