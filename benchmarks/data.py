"""The folder with the files for benchmarks: BENCHMARK_DATA, or `../shared/data` beside the project.

docs/benchmarks.md lists its contents and where they come from.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

DATA = Path(os.environ.get("BENCHMARK_DATA") or Path(__file__).parents[2] / "shared" / "data")

# The collections of `quality` in the language of `scale`.
ENGLISH = ("cranfield", "med", "scifact-train", "xquad-en")


def folder(name: str) -> Path:
    """Return one of its folders. Ends the program if it is missing."""
    path = DATA / name
    if not path.is_dir():
        sys.exit(
            f"{path} is missing. Set BENCHMARK_DATA to a folder that has '{name}': see docs/benchmarks.md."
        )
    return path


def questions(*, seed: int = 0) -> Iterator[str]:
    """Yield real questions in English in random order, each once; then each with a number appended, and so on: none is
    repeated."""
    files = [folder("quality") / name / "queries.jsonl" for name in ENGLISH]
    distinct = sorted({json.loads(line)["text"] for path in files for line in path.open()})
    shuffled = random.Random(seed).sample(distinct, len(distinct))  # noqa: S311
    yield from shuffled
    for number in count(1):
        yield from (f"{question} {number}" for question in shuffled)
