"""How much memory a worker takes with its parser processes while `documents` are ingested: office files, mail, PDF, scans,
pictures and archives in many languages.

`python -m benchmarks.memory` takes some five minutes. The worker is started as `up` starts it. Shared pages are counted once
(PSS).
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import NamedTuple

import psutil

from benchmarks import data
from benchmarks.ingest import ingest, worker
from benchmarks.reports import BenchmarkReport
from core.actors import Actor

MAX_MB = 600
SAMPLE_SECONDS = 0.25


class Sample(NamedTuple):
    """Megabytes of the worker's own process, of a program that it runs once to build a model's graph, of its parsers (a
    process that stays, and one for each file), and how many parsers stayed."""

    worker: float
    builder: float
    parsers: float
    stayed: int

    @property
    def total(self) -> float:
        return self.worker + self.builder + self.parsers


def main() -> None:
    report = BenchmarkReport()
    with instance.running():
        actor = instance.new_tenant()
        with worker(actor, "celery") as process:
            measure(actor, report, process)
    report.save("memory")


def measure(actor: Actor, report: BenchmarkReport, process: psutil.Process) -> None:
    with sample_memory(process) as samples:
        new = ingest(actor, data.folder("documents"))
    peak = max(samples, key=lambda sample: sample.total)
    built = [sample for sample in samples if not sample.builder]
    usual = max(built, key=lambda sample: sample.total)
    files = f"`documents` ({new.result['added']} files, {new.cost.seconds:.0f} s)"
    own = max(sample.worker for sample in samples)
    report.add(f"memory of a worker's own process, at most, {files}", f"{own:.0f} MB")
    report.add(
        "the same, with its parser processes, at most",
        f"{usual.total:.0f} MB (worker {usual.worker:.0f}, {usual.stayed} parsers {usual.parsers:.0f})",
        f"≤ {MAX_MB} MB",
        met=usual.total <= MAX_MB,
    )
    report.add(
        "the same, while a model's graph is built for the first time",
        f"{peak.total:.0f} MB ({peak.worker:.0f}, graph {peak.builder:.0f}, {peak.stayed} parsers {peak.parsers:.0f})",
    )


@contextmanager
def sample_memory(process: psutil.Process) -> Iterator[list[Sample]]:
    """Append a sample to the list several times a second."""
    samples, stop = [Sample(0.0, 0.0, 0.0, 0)], Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            samples.append(_sample(process))

    thread = Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def _sample(process: psutil.Process) -> Sample:
    builder = parsers = 0.0
    children = process.children()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            if any("_graph" in part for part in child.cmdline()):
                builder += _megabytes(child)
            else:
                parsers += sum(map(_megabytes, [child, *child.children(recursive=True)]))
    return Sample(_megabytes(process), builder, parsers, len(children) - bool(builder))


def _megabytes(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / 2**20
    return 0.0


if __name__ == "__main__":
    main()
