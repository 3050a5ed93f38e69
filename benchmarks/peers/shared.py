"""What the peers' scripts share. It runs in the peers' own environment, so it only uses the standard library."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

DIMENSIONS = 384
# About 256 tokens of all-MiniLM-L6-v2 in the pages that are read.
CHUNK_TOKENS, CHUNK_CHARACTERS, CHUNK_WORDS = 256, 1000, 115


class TrivialModel:
    """Each text has one of 1,000 random vectors, always the same one; `embedded` counts the texts."""

    def __init__(self) -> None:
        generator = random.Random(0)  # noqa: S311
        self._vectors = [[generator.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(1000)]
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return [self._vectors[crc32(text.encode()) % len(self._vectors)] for text in texts]


def measure(name: str, ingest: Callable[[Path], None], model: TrivialModel, count: Callable[[], int]) -> None:
    """Ingest the command line's folder twice, and print a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    cpu_started = time.process_time()
    first, cpu_seconds = _seconds(ingest, folder), time.process_time() - cpu_started
    embedded, chunks = model.embedded, count()
    again = _seconds(ingest, folder)
    figures = {
        "name": name,
        "version": version(name),
        "files": sum(path.is_file() for path in folder.rglob("*")),
        "chunks": chunks,
        "seconds": first,
        "cpu_seconds": cpu_seconds,
        "again_seconds": again,
        "again_embedded": model.embedded - embedded,
    }
    print(json.dumps(figures), flush=True)  # noqa: T201


def _seconds(ingest: Callable[[Path], None], folder: Path) -> float:
    started = time.perf_counter()
    ingest(folder)
    return time.perf_counter() - started
