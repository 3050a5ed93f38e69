"""The embedder and sentence-transformers: the same model, texts and number of threads, measured in turns.

`python -m benchmarks.embedder` takes some two minutes on two quiet cores.
"""

from __future__ import annotations

import benchmarks.environment  # noqa: F401  (before all else)

# isort: split
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
from django.conf import settings
from django.test import override_settings

from benchmarks import data
from benchmarks.peers import environment
from benchmarks.reports import Row, save
from engines.embedding import TextRole, Vectors, tokens
from knowledge.engine_config import default_embedder

TEXTS, TOKENS, ROUNDS = 96, 200, 7
PEER, PRECISIONS, MIN_RATIO = "sentence-transformers", ("int8", "fp32"), 2.0

Rounds = dict[str, list[float]]  # seconds


def main() -> None:
    texts, embedders = _texts(), []
    for precision in PRECISIONS:
        with override_settings(EMBEDDING_PRECISION=precision):
            embedders.append(default_embedder())
    rounds: Rounds = {PEER: [], **{precision: [] for precision in PRECISIONS}}
    with tempfile.TemporaryDirectory(prefix="oyl-embedder-") as scratch:
        texts_file, vectors_file = Path(scratch) / "texts.json", Path(scratch) / "vectors.npy"
        texts_file.write_text(json.dumps(texts))
        files = (str(tokens.model_folder()), str(texts_file), str(vectors_file))
        with environment.start("sentence_encode", *files, str(settings.EMBEDDING_THREADS)) as peer:
            version, vectors = peer.read()["version"], np.load(vectors_file)
            cosines = [
                (vectors * embedder.embed(uuid4(), texts, TextRole.PASSAGE)).sum(axis=1)
                for embedder in embedders
            ]
            for _ in range(ROUNDS):
                rounds[PEER].append(float(peer.request()["seconds"]))
                for precision, embedder in zip(PRECISIONS, embedders, strict=True):
                    started = time.perf_counter()
                    embedder.embed(uuid4(), texts, TextRole.PASSAGE)
                    rounds[precision].append(time.perf_counter() - started)
    save("embedder", command="python -m benchmarks.embedder", rows=_rows(version, rounds, cosines))
    if median(_ratios(rounds, "int8")) < MIN_RATIO:
        sys.exit(f"The embedder is not {MIN_RATIO} times as fast as {PEER}.")


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


def _rows(version: str, rounds: Rounds, cosines: list[Vectors]) -> list[Row]:
    times = {name: f"{median(seconds) / TEXTS * 1000:.1f} ms a text" for name, seconds in rounds.items()}
    int8, fp32 = (f"mean {cosine.mean():.4f}, lowest {cosine.min():.4f}" for cosine in cosines)
    spreads = [
        f"{median(ratios):.1f} × ({min(ratios):.1f} to {max(ratios):.1f} in {len(ratios)} rounds)"
        for ratios in (_ratios(rounds, precision) for precision in PRECISIONS)
    ]
    rows = [
        (f"{PEER} {version}, fp32, batches of 32", times[PEER], "–"),
        ("OYL's embedder, int8, as the product uses it", times["int8"], "–"),
        ("OYL's embedder, fp32", times["fp32"], "–"),
        ("int8 is faster", spreads[0], f"≥ {MIN_RATIO:.0f} ×"),
        ("fp32 is faster", spreads[1], "–"),
        ("cosine of int8 to the peer's vectors", int8, "–"),
        ("cosine of fp32 to the peer's vectors", fp32, "–"),
    ]
    return [{"What": what, "Measured": measured, "Target": target} for what, measured, target in rows]


def _ratios(rounds: Rounds, precision: str) -> list[float]:
    return [peer / own for peer, own in zip(rounds[PEER], rounds[precision], strict=True)]


if __name__ == "__main__":
    main()
