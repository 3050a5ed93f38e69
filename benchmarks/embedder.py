"""The embedder against sentence-transformers: the same model, texts and number of threads, in turns.

`python -m benchmarks.embedder` takes some two minutes on two quiet cores.
"""

from __future__ import annotations

import benchmarks.environment  # noqa: F401  (before all else)

# isort: split
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
from django.conf import settings
from django.test import override_settings

from benchmarks import data
from benchmarks.peers import environment
from benchmarks.reports import Row, save
from engines.embedding import Vectors, tokens
from knowledge.engine_config import default_embedder

TEXTS, TOKENS, ROUNDS = 96, 200, 7
PEER, FASTER = "sentence-transformers", 2.0

Embed = Callable[[], Vectors]
Rounds = dict[str, list[float]]


def main() -> None:
    texts = _texts()
    int8, fp32 = _ours("int8", texts), _ours("fp32", texts)
    with _sentence_transformers(texts) as (version, theirs, encode):
        cosines = [(theirs * embed()).sum(axis=1) for embed in (int8, fp32)]
        rounds: Rounds = {PEER: [], "int8": [], "fp32": []}
        for _ in range(ROUNDS):
            rounds[PEER].append(encode())
            rounds["int8"].append(_seconds(int8))
            rounds["fp32"].append(_seconds(fp32))
    save("embedder", command="python -m benchmarks.embedder", rows=_rows(version, rounds, cosines))
    if median(_ratios(rounds, "int8")) < FASTER:
        sys.exit(f"The embedder is not {FASTER} times as fast as {PEER}.")


def _texts() -> list[str]:
    """Pieces of 200 tokens, evenly chosen from all pages."""
    pages = [path.read_text() for path in sorted(data.folder("scale").rglob("*.*"))]
    measured = tokens.load_tokenizer().encode_batch(pages, add_special_tokens=False)
    pieces = [
        piece for page, found in zip(pages, measured, strict=True) for piece in _cut(page, found.offsets)
    ]
    return pieces[:: len(pieces) // TEXTS][:TEXTS]


def _cut(page: str, spans: list[tuple[int, int]]) -> Iterator[str]:
    for first in range(0, len(spans) - TOKENS, TOKENS):
        yield page[spans[first][0] : spans[first + TOKENS - 1][1]]


def _ours(precision: str, texts: list[str]) -> Embed:
    """OYL's embedder as the product uses it."""
    with override_settings(EMBEDDING_PRECISION=precision):
        embedder = default_embedder()
    return lambda: embedder.embed(uuid4(), texts)


def _seconds(embed: Embed) -> float:
    started = time.perf_counter()
    embed()
    return time.perf_counter() - started


@contextmanager
def _sentence_transformers(texts: list[str]) -> Iterator[tuple[str, Vectors, Callable[[], float]]]:
    """The peer in a process of its own: its version, its vectors, and what makes it encode and tells the seconds."""
    with tempfile.TemporaryDirectory(prefix="oyl-embedder-") as scratch:
        given, made = Path(scratch) / "texts.json", Path(scratch) / "vectors.npy"
        given.write_text(json.dumps(texts))
        arguments = (str(tokens.model_folder()), str(given), str(made), str(settings.EMBEDDING_THREADS))
        with environment.start("sentence_encode", *arguments) as peer:
            version = peer.answer()["version"]
            yield version, np.load(made), lambda: float(peer.ask()["seconds"])


def _ratios(rounds: Rounds, precision: str) -> list[float]:
    return [theirs / ours for theirs, ours in zip(rounds[PEER], rounds[precision], strict=True)]


def _rows(version: str, rounds: Rounds, cosines: list[Vectors]) -> list[Row]:
    times = {name: f"{median(seconds) / TEXTS * 1000:.1f} ms a text" for name, seconds in rounds.items()}
    int8, fp32 = (f"mean {cosine.mean():.4f}, lowest {cosine.min():.4f}" for cosine in cosines)
    return [
        {"What": f"{PEER} {version}, fp32, batches of 32", "Measured": times[PEER], "Target": "–"},
        {"What": "OYL's embedder, int8, as the product uses it", "Measured": times["int8"], "Target": "–"},
        {"What": "OYL's embedder, fp32", "Measured": times["fp32"], "Target": "–"},
        {
            "What": "int8 is faster",
            "Measured": _spread(_ratios(rounds, "int8")),
            "Target": f"≥ {FASTER:.0f} ×",
        },
        {"What": "fp32 is faster", "Measured": _spread(_ratios(rounds, "fp32")), "Target": "–"},
        {"What": "cosine of int8 to the peer's vectors", "Measured": int8, "Target": "–"},
        {"What": "cosine of fp32 to the peer's vectors", "Measured": fp32, "Target": "–"},
    ]


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.1f} × ({min(ratios):.1f} to {max(ratios):.1f} in {len(ratios)} rounds)"


if __name__ == "__main__":
    main()
