"""How long `manage.py ingest --wait` takes, with a worker as `up` starts it: files stored, parsed, cut, tagged, indexed,
written, flipped.

`python -m benchmarks.ingest` takes some ten minutes on two quiet cores, most of them for the pictures among `documents`.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, NamedTuple

import psutil
from django.conf import settings
from django.core.management import CommandError, call_command

from benchmarks import data, trivial
from benchmarks.reports import BenchmarkReport
from core.actors import Actor
from core.isolation.scope import tenant_scope
from jobs.drain import workers_are_running
from knowledge.engine_config import default_embedder
from knowledge.models import Chunk, IngestionJob
from knowledge.pipeline.chunking import embedding_input
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from oyl.embedded.up import application
from tenants.models import Tenant

CHUNK_MS, RATIO, FILES_PER_SECOND, MEMORY_MB = 0.25, 1.2, 500, 600
FILES_WITH_MODEL, ROUNDS = 100, 3
SAMPLE_SECONDS = 0.25
Tell = Callable[..., None]


@dataclass
class Cost:
    """Seconds, and those of all processors together, in this process and all below it."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)


@contextmanager
def measured() -> Iterator[Cost]:
    """What the block costs, known at its end."""
    cost, started, before = Cost(), time.monotonic(), cpu_seconds()
    yield cost
    cost.seconds, cost.cpu_seconds = time.monotonic() - started, cpu_seconds() - before


class Ingested(NamedTuple):
    """What the command said, and what it cost."""

    result: dict[str, Any]
    cost: Cost

    @property
    def chunks(self) -> int:
        return int(self.result["chunks"])

    @property
    def ms(self) -> float:
        return 1000 * self.cost.seconds / self.chunks

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cost.cpu_seconds / self.chunks


def main() -> None:
    report = BenchmarkReport()
    tell = report.add
    trivial.install()
    with instance.running():
        actor = instance.new_tenant()
        # First: so few points are not given a search graph meanwhile.
        with worker(actor, "celery") as process:
            measure_model(actor, tell)
            measure_memory(actor, tell, process)
        with worker(actor, "benchmarks.trivial"):
            measure_pipeline(actor, tell)
    report.save("ingest")


def measure_pipeline(actor: Actor, tell: Tell) -> None:
    folder = data.folder("scale")
    new = ingest(actor, folder)
    files = new.result["added"]
    tell(
        f"files of `scale`, an embedder that costs nothing ({files} files, {new.chunks} chunks)",
        f"{new.ms:.2f} ms a chunk, {files / new.cost.seconds:.0f} files/s",
        f"≤ {CHUNK_MS} ms",
        met=new.ms <= CHUNK_MS,
    )
    tell("the same, processor time of all processes", f"{new.cpu_ms:.2f} ms a chunk")
    again, jobs = ingest(actor, folder), count_jobs(actor, folder)
    speed = files / again.cost.seconds
    assert again.result["unchanged"] == files == jobs, "nothing was to be done"
    tell(
        "the same files again: nothing is queued, nothing embedded",
        f"{speed:.0f} files/s",
        f"≥ {FILES_PER_SECOND} files/s",
        met=speed >= FILES_PER_SECOND,
    )


def measure_memory(actor: Actor, tell: Tell, worker: psutil.Process) -> None:
    folder = data.folder("documents")
    with peak_mb(worker) as peak:
        new = ingest(actor, folder)
    files = f"`documents` ({new.result['added']} files, {new.cost.seconds:.0f} s)"
    tell(f"memory of a worker's own process, at most, {files}", f"{max(own for own, _ in peak):.0f} MB")
    whole = max(whole for _, whole in peak)
    tell(
        "the same, with its parser processes",
        f"{whole:.0f} MB",
        f"≤ {MEMORY_MB} MB",
        met=whole <= MEMORY_MB,
    )


def measure_model(actor: Actor, tell: Tell) -> None:
    """A folder through the built-in model, and the same texts through the model alone, with as many threads and nothing
    else to do. They take turns, so that whatever else the machine does troubles both."""
    embedder = default_embedder()
    whole, alone = Cost(), Cost()
    with TemporaryDirectory() as folder:
        files = sorted(path for path in data.folder("scale").rglob("*") if path.suffix == ".md")
        for path in random.Random(3).sample(files, FILES_WITH_MODEL):  # noqa: S311
            shutil.copy(path, folder)
        for number in range(ROUNDS):
            name = f"round {number}"
            whole += ingest(actor, Path(folder), reference=name).cost
            texts = contents(actor, name)
            with measured() as cost:
                embedder.embed(actor.tenant_id, texts)
            alone += cost
    ratio, cpu = whole.seconds / alone.seconds, whole.cpu_seconds / alone.cpu_seconds
    tell(
        f"{FILES_WITH_MODEL} pages with the built-in model ({len(texts)} chunks, {ROUNDS} rounds), beside the model alone",
        f"{whole.seconds:.1f} s : {alone.seconds:.1f} s = {ratio:.2f}",
        f"≤ {RATIO}",
        met=ratio <= RATIO,
    )
    tell("the same, processor time", f"{whole.cpu_seconds:.1f} s : {alone.cpu_seconds:.1f} s = {cpu:.2f}")


def contents(actor: Actor, reference: str) -> list[str]:
    """What was embedded."""
    with tenant_scope(actor.tenant_id):
        chunks = Chunk.objects.filter(document__reference__name=reference).order_by("document", "position")
        return [embedding_input(chunk) for chunk in chunks]


def ingest(actor: Actor, folder: Path, *, reference: str = "") -> Ingested:
    """`manage.py ingest FOLDER --wait`, into a reference of the folder's name unless given."""
    said, tenant = StringIO(), Tenant.objects.using("owner").get(pk=actor.tenant_id)
    options = {"workspace": "Bench", "reference": reference or folder.name, "wait": True, "json": True}
    with measured() as cost, suppress(CommandError):  # files that cannot be read
        call_command("ingest", str(folder), tenant=tenant.name, stdout=said, **options)
    return Ingested(json.loads(said.getvalue()), cost)


def count_jobs(actor: Actor, folder: Path) -> int:
    with tenant_scope(actor.tenant_id):
        return IngestionJob.objects.filter(document__reference__name=folder.name).count()


@contextmanager
def worker(actor: Actor, module: str) -> Iterator[psutil.Process]:
    """A worker as `up` starts it, but that `module` is run instead of Celery; warm when it is handed out."""
    _, program, _ = application()
    program = replace(
        program, command=tuple(module if part == "celery" else part for part in program.command)
    )
    started: list[int] = []
    supervisor = Supervisor(ServiceLog(settings.LAYOUT.logs), lambda name, pid: started.append(pid))
    supervisor.start([program])
    try:
        while not workers_are_running():
            time.sleep(0.1)
        ingest(actor, settings.BASE_DIR / "docs")
        yield psutil.Process(started[0])
    finally:
        supervisor.stop()


@contextmanager
def peak_mb(process: psutil.Process) -> Iterator[list[tuple[float, float]]]:
    """Fills a list with the memory of a process, and of it with its children, several times a second; shared pages are
    counted once."""
    seen, stop = [(0.0, 0.0)], Event()

    def look() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            own, *others = map(_proportional_mb, [process, *process.children(recursive=True)])
            seen.append((own, own + sum(others)))

    thread = Thread(target=look, daemon=True)
    thread.start()
    yield seen
    stop.set()
    thread.join()


def _proportional_mb(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / 2**20
    return 0.0


def cpu_seconds() -> float:
    """Of this process and all below it, those that have ended included."""
    return sum(map(_cpu_seconds, [psutil.Process(), *psutil.Process().children(recursive=True)]))


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


if __name__ == "__main__":
    main()
