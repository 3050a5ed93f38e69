"""How long a search takes at the service, with the embedding of its question and its audit event: one client, hybrid, ten
hits, and questions that are not repeated.

`python -m benchmarks.search` takes some ten minutes on two quiet cores. There are 10,000 small tenants, all with points, and
one in 25, which is searched, also with rows. A medium tenant and a large one, which grows, are in the same collection. The
argument `small` or `large` measures only these.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID

import psutil
from django.conf import settings

from benchmarks import data
from benchmarks.reports import ROOT, BenchmarkReport
from benchmarks.synthetic_chunks import ChunkGenerator, wait_for_search_graph, write_chunks, write_points
from benchmarks.times import Times
from core.actors import Actor, command_actor
from core.isolation.scope import tenant_scope
from core.models import new_id
from knowledge.engine_config import default_embedder, vector_store
from knowledge.search.service import search
from knowledge.services.references import get_or_create_reference
from oyl.embedded.instance import running_instance
from tenants.models import Tenant

TENANTS, CHUNKS_PER_TENANT, SEARCHED_EVERY = 10_000, 10, 25
MEDIUM, SIZES = 10_000, (100_000, 300_000)
QUESTIONS, WARM_UP = 300, 20
MAX_P95, MAX_GROWTH = 25.0, 1.5
# By the number of the tenant's passages, and while their search graph is built.
MAX_P95_OF, MAX_P95_BUILDING = {100_000: 10.0, 300_000: 12.0}, 20.0
INGEST_STARTS_SECONDS = 20
PARTS = ("small", "large")
SMALL = f"{TENANTS:,} tenants of {CHUNKS_PER_TENANT} passages"


class SearchTimes(NamedTuple):
    """Times of searches, and of their parts: those of the vector store include the embedding."""

    total: Times
    embedding: Times
    vectors: Times

    def __str__(self) -> str:
        times = f"p50 {self.total.p50:.1f} ms, p95 {self.total.p95:.1f} ms"
        if not self.embedding:
            return f"{times}, nothing embedded"
        return f"{times}; vectors {self.vectors.p50:.1f} with the embedding, {self.embedding.p50:.1f}"


class Bench:
    """Chunks and questions to measure with, and the report."""

    def __init__(self) -> None:
        self.chunks = ChunkGenerator().chunks()
        self.questions = data.questions()
        self.points = 0
        self.report = BenchmarkReport()

    def measure(self, what: str, actors: list[Actor], *, max_p95: float = MAX_P95) -> None:
        """Search with new questions, as the actors in turns."""
        _search(actors, list(islice(self.questions, WARM_UP)))
        times = _search(actors, list(islice(self.questions, QUESTIONS)))
        self.report.add(what, times, f"p95 ≤ {max_p95:.0f} ms", met=times.total.p95 <= max_p95)

    def write(self, actor: Actor, count: int) -> None:
        write_chunks(actor.tenant_id, _reference(actor), self.chunks, count)
        self.points += count


def main(parts: Sequence[str]) -> None:
    with instance.running():
        bench = Bench()
        small = _create_small_tenants(bench) if "small" in parts else []
        if small:
            wait_for_search_graph(bench.points)
            bench.measure(SMALL, small)
        if "large" in parts:
            large = instance.new_tenant()
            _measure_large_tenant(bench, large, small)
            _measure_while_ingesting(bench, large)
    named = parts if len(parts) < len(PARTS) else ()
    bench.report.save("search", *named)


def _create_small_tenants(bench: Bench) -> list[Actor]:
    """Return actors of the tenants that have rows, too."""
    actors = []
    for number in range(TENANTS):
        chunks = list(islice(bench.chunks, CHUNKS_PER_TENANT))
        if number % SEARCHED_EVERY:
            document_id = new_id()
            write_points(new_id(), new_id(), [(document_id, new_id()) for _ in chunks], chunks)
        else:
            actor = command_actor(new_id(), "benchmark")
            with tenant_scope(actor.tenant_id):
                Tenant.objects.create(id=actor.tenant_id, name=f"Tenant {number}")
            write_chunks(actor.tenant_id, _reference(actor), iter(chunks), len(chunks))
            actors.append(actor)
    bench.points += TENANTS * CHUNKS_PER_TENANT
    return actors


def _reference(actor: Actor) -> UUID:
    return get_or_create_reference(actor=actor, workspace="Main", reference="Files").pk


def _measure_large_tenant(bench: Bench, large: Actor, small: list[Actor]) -> None:
    medium = instance.new_tenant()
    bench.write(medium, MEDIUM)
    wait_for_search_graph(bench.points)
    bench.measure(f"one tenant of {MEDIUM:,} passages", [medium])
    _measure_sizes(bench, large)

    question = next(bench.questions)
    _search([large], [question])  # the service caches the question's vector
    again = _search([large], [question] * QUESTIONS)
    bench.report.add("one question again and again", again, "nothing embedded", met=not again.embedding)

    # In turns, so that other load on the machine affects both.
    times = _search([medium, large], list(islice(bench.questions, QUESTIONS))).total
    few, many = median(times[::2]), median(times[1::2])
    bench.report.add(
        "asked in turns, the median at 300,000 to that at 10,000",
        f"{many:.1f} : {few:.1f} ms = {many / few:.2f} ×",
        f"≤ {MAX_GROWTH} ×",
        met=many / few <= MAX_GROWTH,
    )
    if small:
        bench.measure(f"{SMALL} beside that large one", small)


def _measure_sizes(bench: Bench, large: Actor) -> None:
    written = 0
    info = running_instance(settings.LAYOUT)
    assert info
    store = psutil.Process(info.children["vectors"][0])
    for size in SIZES:
        bench.write(large, size - written)
        while not store.children():  # the program that builds the graph
            time.sleep(0.1)
        what = f"one tenant of {size:,} passages while the graph of {size - written:,} is built"
        bench.measure(what, [large], max_p95=MAX_P95_BUILDING)
        seconds = wait_for_search_graph(bench.points)
        bench.measure(f"one tenant of {size:,} passages", [large], max_p95=MAX_P95_OF[size])
        written = size
    bench.report.add("the search graph of the last 200,000, after they were searched", f"{seconds:.0f} s")
    bench.report.add("memory of the vector store's process then", f"{store.memory_info().rss / 1e9:.1f} GB")


def _measure_while_ingesting(bench: Bench, large: Actor) -> None:
    arguments = ("ingest", str(data.folder("scale")), "--wait", "--tenant", str(large.tenant_id))
    command = (sys.executable, "manage.py", *arguments, "--workspace", "Main", "--reference", "Beside")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(INGEST_STARTS_SECONDS)
        assert process.poll() is None, "the ingest ended before anything was measured"
        what = "one tenant of 300,000 passages while more are ingested"
        bench.measure(what, [large], max_p95=MAX_P95_BUILDING)
    finally:
        process.terminate()
        process.wait()


def _search(actors: list[Actor], questions: list[str]) -> SearchTimes:
    """Ask each question as the next of the actors. All of it is text, and something is always found."""
    times, embedder, vectors = SearchTimes(Times(), Times(), Times()), default_embedder(), vector_store()
    timed_search = _timed(search, times.total)
    with (
        patch.object(embedder, "embed", _timed(embedder.embed, times.embedding)),
        patch.object(vectors, "search", _timed(vectors.search, times.vectors)),
    ):
        for actor, question in zip(cycle(actors), questions, strict=False):
            assert timed_search(actor=actor, query=question, operators=False, min_score=0), question
    return times


def _timed(function: Callable[..., Any], times: Times) -> Callable[..., Any]:
    """Wrap the function to append the time of each call."""

    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        result = function(*args, **kwargs)
        times.append((time.perf_counter() - started) * 1000)
        return result

    return timed


if __name__ == "__main__":
    main(sys.argv[1:] or PARTS)
