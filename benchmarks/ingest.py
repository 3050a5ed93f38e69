"""How long `manage.py ingest --wait` takes, with a worker as `up` starts it: files are stored, parsed, chunked, tagged,
indexed, written and published.

`python -m benchmarks.ingest` takes some ten minutes on two quiet cores, most of them for the pictures among `documents`.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import json
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psutil
from django.conf import settings
from django.core.management import CommandError, call_command

from benchmarks import data, trivial
from benchmarks.reports import BenchmarkReport
from core.actors import Actor
from core.isolation.scope import tenant_scope
from engines.embedding import TextRole
from jobs.drain import workers_are_running
from knowledge.engine_config import default_embedder
from knowledge.models import Chunk, IngestionJob
from knowledge.pipeline.chunking import embedding_input
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from oyl.embedded.up import application
from tenants.models import Tenant

MAX_CHUNK_MS, MAX_RATIO, MIN_FILES_PER_SECOND = 0.25, 1.2, 500
FILES_WITH_MODEL, ROUNDS = 100, 3


@dataclass
class Cost:
    """`seconds` of wall time, and `cpu_seconds` of all processors, in this process and its descendants."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)


@contextmanager
def measure_cost() -> Iterator[Cost]:
    """Measure what the block costs. The result is set at its end."""
    cost, started, before = Cost(), time.monotonic(), cpu_seconds()
    yield cost
    cost.seconds, cost.cpu_seconds = time.monotonic() - started, cpu_seconds() - before


class IngestRun(NamedTuple):
    """`result` is the command's output."""

    result: dict[str, Any]
    cost: Cost

    @property
    def chunks(self) -> int:
        return int(self.result["chunks"])

    @property
    def chunk_ms(self) -> float:
        return 1000 * self.cost.seconds / self.chunks

    @property
    def chunk_cpu_ms(self) -> float:
        return 1000 * self.cost.cpu_seconds / self.chunks


def main() -> None:
    report = BenchmarkReport()
    with instance.running():
        actor = instance.new_tenant()
        # This comes first: so few points start no rebuild of the search graph.
        with worker(actor, "celery"):
            measure_model(actor, report)
        trivial.install()
        with worker(actor, "benchmarks.trivial"):
            measure_pipeline(actor, report)
    report.save("ingest")


def measure_pipeline(actor: Actor, report: BenchmarkReport) -> None:
    folder = data.folder("scale")
    new = ingest(actor, folder)
    files = new.result["added"]
    report.add(
        f"files of `scale`, an embedder that costs nothing ({files} files, {new.chunks} chunks)",
        f"{new.chunk_ms:.2f} ms a chunk, {files / new.cost.seconds:.0f} files/s",
        f"≤ {MAX_CHUNK_MS} ms",
        met=new.chunk_ms <= MAX_CHUNK_MS,
    )
    report.add("the same, processor time of all processes", f"{new.chunk_cpu_ms:.2f} ms a chunk")
    again, jobs = ingest(actor, folder), count_jobs(actor, folder)
    files_per_second = files / again.cost.seconds
    assert again.result["unchanged"] == files == jobs, "nothing was to be done"
    report.add(
        "the same files again: nothing is queued, nothing embedded",
        f"{files_per_second:.0f} files/s",
        f"≥ {MIN_FILES_PER_SECOND} files/s",
        met=files_per_second >= MIN_FILES_PER_SECOND,
    )


def measure_model(actor: Actor, report: BenchmarkReport) -> None:
    """Ingest a folder with the built-in model, and embed the same texts with the model alone, with as many threads. They
    take turns, so that other load on the machine affects both."""
    embedder = default_embedder()
    pipeline, model = Cost(), Cost()
    with TemporaryDirectory() as folder:
        files = sorted(path for path in data.folder("scale").rglob("*") if path.suffix == ".md")
        for path in random.Random(3).sample(files, FILES_WITH_MODEL):  # noqa: S311
            shutil.copy(path, folder)
        for number in range(ROUNDS):
            reference = f"round {number}"
            pipeline += ingest(actor, Path(folder), reference=reference).cost
            with tenant_scope(actor.tenant_id):
                chunks = Chunk.objects.filter(document__reference__name=reference)
                texts = [embedding_input(chunk) for chunk in chunks.order_by("document", "position")]
            with measure_cost() as cost:
                embedder.embed(actor.tenant_id, texts, TextRole.PASSAGE)
            model += cost
    ratio = pipeline.seconds / model.seconds
    report.add(
        f"{FILES_WITH_MODEL} pages with the built-in model ({len(texts)} chunks, {ROUNDS} rounds), beside the model alone",
        f"{pipeline.seconds:.1f} s : {model.seconds:.1f} s = {ratio:.2f}",
        f"≤ {MAX_RATIO}",
        met=ratio <= MAX_RATIO,
    )
    cpu, model_cpu = pipeline.cpu_seconds, model.cpu_seconds
    report.add("the same, processor time", f"{cpu:.1f} s : {model_cpu:.1f} s = {cpu / model_cpu:.2f}")


def ingest(actor: Actor, folder: Path, *, reference: str = "") -> IngestRun:
    """Run `manage.py ingest FOLDER --wait`, by default into a reference of the folder's name."""
    output, tenant = StringIO(), Tenant.objects.using("owner").get(pk=actor.tenant_id)
    options = {"workspace": "Bench", "reference": reference or folder.name, "wait": True, "json": True}
    with measure_cost() as cost, suppress(CommandError):  # files that cannot be read
        call_command("ingest", str(folder), tenant=tenant.name, stdout=output, **options)
    return IngestRun(json.loads(output.getvalue()), cost)


def count_jobs(actor: Actor, folder: Path) -> int:
    with tenant_scope(actor.tenant_id):
        return IngestionJob.objects.filter(document__reference__name=folder.name).count()


@contextmanager
def worker(actor: Actor, module: str) -> Iterator[psutil.Process]:
    """Run a worker as `up` starts it, but with `module` instead of Celery. The block begins after its first job."""
    _, program, *_ = application()
    program = replace(
        program, command=tuple(module if part == "celery" else part for part in program.command)
    )
    pids: list[int] = []
    supervisor = Supervisor(ServiceLog(settings.LAYOUT.logs), lambda name, pid: pids.append(pid))
    supervisor.start([program])
    try:
        while not workers_are_running():
            time.sleep(0.1)
        ingest(actor, settings.BASE_DIR / "docs")
        yield psutil.Process(pids[0])
    finally:
        supervisor.stop()


def cpu_seconds() -> float:
    """Return the processor time of this process and its descendants, including those that have ended."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
