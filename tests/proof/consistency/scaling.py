"""What a comparison costs as a corpus grows: time, extrapolated to a million chunks by a fitted line, and memory."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from django.db.backends.utils import CursorWrapper

from benchmarks.reports import Row
from core.isolation.scope import tenant_scope
from knowledge.engine_config import vector_store
from knowledge.models import Reference
from knowledge.reconcile.comparison import reconcile
from knowledge.services.references import get_or_create_reference
from tests.conftest import Person
from tests.proof.consistency.bulk import MODEL, grow

MILLION, MAX_SECONDS = 1_000_000, 600.0
RUNS = 3  # of which the fastest counts
MAX_GROWTH = 1.5  # of the time for a chunk, and of the memory, from the smallest corpus to the largest
TableOwner = Callable[[UUID], AbstractContextManager[CursorWrapper]]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`cpu_seconds` are those of this process alone. `peak_bytes` is what Python had allocated at most, `resident_bytes`
    the peak of the whole process."""

    chunks: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    resident_bytes: int


def measure(person: Person, sizes: Sequence[int], table_owner: TableOwner) -> list[Cost]:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    with tenant_scope(person.tenant_id):
        Reference.objects.filter(pk=reference.pk).update(embedding_model=MODEL)
    costs = []
    for previous, chunks in zip([0, *sizes], sizes, strict=False):
        grow(person, reference, chunks - previous)
        with table_owner(person.tenant_id) as cursor:  # as autovacuum would, sooner or later
            cursor.execute("ANALYZE chunks, documents, tag_links")
        costs.append(_measure_comparison(person, chunks))
    return costs


def _measure_comparison(person: Person, chunks: int) -> Cost:
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    started, seconds = time.process_time(), min(_compare(person) for _ in range(RUNS))
    cpu_seconds = (time.process_time() - started) / RUNS
    status = Path("/proc/self/status").read_text()
    resident = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    tracemalloc.start()
    try:
        _compare(person)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Cost(
        chunks=chunks, seconds=seconds, cpu_seconds=cpu_seconds, peak_bytes=peak, resident_bytes=resident
    )


def _compare(person: Person) -> float:
    """Return the seconds."""
    started = time.perf_counter()
    report = reconcile(actor=person.actor, store=vector_store())
    assert (report.counts, report.problems) == ({}, [])
    return time.perf_counter() - started


def seconds_for_a_million(costs: Sequence[Cost]) -> float:
    """Extrapolate by the line that fits best."""
    slope, intercept = np.polyfit([cost.chunks for cost in costs], [cost.seconds for cost in costs], 1)
    return float(intercept + slope * MILLION)


def growth(costs: Sequence[Cost]) -> float:
    """Return the ratio of the time for a chunk in the last measurement to that in the first."""
    first, *_, last = (cost.seconds / cost.chunks for cost in costs)
    return last / first


def cost_rows(costs: Sequence[Cost]) -> list[Row]:
    first, last = costs[0], costs[-1]
    rows: list[Row] = []
    for cost in costs:
        total, cpu = (seconds / cost.chunks * 1000 for seconds in (cost.seconds, cost.cpu_seconds))
        measured = f"{total:.3f} ms each; {cpu:.3f} ms in this process"
        rows.append({"What": f"Comparing {cost.chunks:,} passages", "Measured": measured, "Target": ""})
    rows += [
        {
            "What": "The same for a million, by the line through these",
            "Measured": f"{seconds_for_a_million(costs):.0f} s",
            "Target": f"≤ {MAX_SECONDS:.0f} s",
        },
        {
            "What": f"A passage's share: of {last.chunks:,} to of {first.chunks:,}",
            "Measured": f"× {growth(costs):.2f}",
            "Target": f"≤ × {MAX_GROWTH}",
        },
    ]
    for cost in (first, last):
        row = {
            "What": f"Memory to compare {cost.chunks:,} passages, and of the whole process",
            "Measured": f"{cost.peak_bytes / 1e6:.1f} MB, {cost.resident_bytes / 1e6:.0f} MB",
            "Target": "" if cost is first else f"≤ × {MAX_GROWTH}",
        }
        rows.append(row)
    return rows
