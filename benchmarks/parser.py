"""How long a small text file takes in the sandbox, one after another, beside the same reader without any.

.venv/bin/python -m benchmarks.parser
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import uuid4

from engines.parsing import ParserConfig, frames
from engines.parsing.detect import detect
from engines.parsing.formats import load_reader
from engines.parsing.job import Job, Limits
from engines.parsing.process_pool import PooledParser

FILES, WARM_UP = 200, 20
TEXT = "# A title\n\nA paragraph with some words.\n\n- one\n- two\n\n" * 5
LIMITS = Limits(seconds=50, memory_mb=1536, output_mb=256, text_mb=16, ocr_pages=0)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1"
        path.write_text(TEXT)
        parser = PooledParser(
            ParserConfig(processes=1, seconds=50, memory_mb=1536, output_mb=256, text_mb=16, ocr_pages=0)
        )
        tenant_id = uuid4()
        confined, alone = list[float](), list[float]()
        for _ in range(FILES + WARM_UP):
            workdir = Path(folder) / uuid4().hex
            workdir.mkdir()
            started = time.perf_counter()
            parser.parse(tenant_id, path, filename="a.md", workdir=workdir)
            confined.append(time.perf_counter() - started)
            started = time.perf_counter()
            _read_without_sandbox(path, workdir)
            alone.append(time.perf_counter() - started)
        parser.close()
    _show("in a process and sandbox of its own", confined[WARM_UP:])
    _show("the reader alone", alone[WARM_UP:])


def _read_without_sandbox(path: Path, workdir: Path) -> bytes:
    mime_type = detect(path, "a.md")
    job = Job(
        path=path,
        filename="a.md",
        workdir=workdir,
        mime_type=mime_type,
        limits=LIMITS,
        restart_timeout=lambda: None,
    )
    return frames.pack_elements(load_reader(mime_type)(job).elements)


def _show(what: str, seconds: list[float]) -> None:
    ordered = sorted(1000 * each for each in seconds)
    print(  # noqa: T201
        f"{what}: median {median(ordered):.1f} ms, p10 {ordered[len(ordered) // 10]:.1f} ms a file"
    )


if __name__ == "__main__":
    main()
