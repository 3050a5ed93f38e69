"""Where the files are that are measured with: BENCHMARK_DATA, or `../shared/data` beside the project.

docs/benchmarks.md says what is in it, and where to get it.
"""

from __future__ import annotations

import os
import sys
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
