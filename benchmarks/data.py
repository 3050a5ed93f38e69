"""Where the files are that are measured with: BENCHMARK_DATA, or `../shared/data` beside the project.

docs/benchmarks.md says what is in it, and where to get it.
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


def folder(name: str) -> Path:
    """One of its folders. Ends the program where there is none."""
    path = DATA / name
    if not path.is_dir():
        sys.exit(
            f"{path} is missing. Set BENCHMARK_DATA to a folder that has '{name}': see docs/benchmarks.md."
        )
    return path


def questions(*, seed: int = 0) -> Iterator[str]:
    """Real ones, each once; then each once with a number behind it, and so on: nobody has asked any of them before."""
    files = sorted(folder("quality").glob("*/queries.jsonl"))
    found = sorted({json.loads(line)["text"] for path in files for line in path.open()})
    asked = random.Random(seed).sample(found, len(found))  # noqa: S311
    yield from asked
    for number in count(1):
        yield from (f"{question} {number}" for question in asked)
