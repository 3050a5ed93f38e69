"""What a comparison costs as a corpus grows: time, by a fitted line for a million passages, and memory."""

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
from knowledge.engine_config import vector_store
from knowledge.reconcile.comparison import reconcile
from knowledge.services.references import get_or_create_reference
from tests.conftest import Person
from tests.proof.consistency.bulk import MODEL, grow

MILLION, LIMIT = 1_000_000, 600.0
RUNS = 3  # of which the fastest counts
STEADY = 1.5  # how much more a passage may cost, or memory be taken, in the largest than in the smallest
TableOwner = Callable[[UUID], AbstractContextManager[CursorWrapper]]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`processor` are the seconds that this process itself worked; `peak` is what Python had allocated at most,
    `resident` the whole process, both in bytes."""

    chunks: int
    seconds: float
    processor: float
    peak: int
    resident: int


def measure(person: Person, sizes: Sequence[int], table_owner: TableOwner) -> list[Cost]:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    costs = []
    for before, chunks in zip([0, *sizes], sizes, strict=False):
        grow(person, reference, chunks - before)
        with table_owner(person.tenant_id) as cursor:  # as autovacuum would, in its time
            cursor.execute("ANALYZE chunks, documents, tag_links")
        costs.append(_cost(person, chunks))
    return costs


def _cost(person: Person, chunks: int) -> Cost:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    processor, seconds = time.process_time(), min(_compare(person) for _ in range(RUNS))
    processor = (time.process_time() - processor) / RUNS
    status = Path("/proc/self/status").read_text()
    resident = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    tracemalloc.start()
    try:
        _compare(person)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Cost(chunks=chunks, seconds=seconds, processor=processor, peak=peak, resident=resident)


def _compare(person: Person) -> float:
    started = time.perf_counter()
    report = reconcile(actor=person.actor, store=vector_store(), model=MODEL)
    assert (report.counts, report.problems) == ({}, [])
    return time.perf_counter() - started


def for_a_million(costs: Sequence[Cost]) -> float:
    """Seconds, by the line that fits best."""
    slope, start = np.polyfit([cost.chunks for cost in costs], [cost.seconds for cost in costs], 1)
    return float(start + slope * MILLION)


def growth(costs: Sequence[Cost]) -> float:
    """Of a passage's cost, from the first measurement to the last."""
    first, *_, last = (cost.seconds / cost.chunks for cost in costs)
    return last / first


def cost_rows(costs: Sequence[Cost]) -> list[Row]:
    return [
        *(_time_row(cost) for cost in costs),
        {
            "What": "The same for a million, by the line through these",
            "Measured": f"{for_a_million(costs):.0f} s",
            "Target": f"≤ {LIMIT:.0f} s",
        },
        {
            "What": f"A passage's share: of {costs[-1].chunks:,} to of {costs[0].chunks:,}",
            "Measured": f"× {growth(costs):.2f}",
            "Target": f"≤ × {STEADY}",
        },
        *(_memory_row(cost, costs[0]) for cost in (costs[0], costs[-1])),
    ]


def _time_row(cost: Cost) -> Row:
    return {
        "What": f"Comparing {cost.chunks:,} passages",
        "Measured": f"{_each(cost.seconds, cost)} ms each; {_each(cost.processor, cost)} ms in this process",
        "Target": "",
    }


def _each(seconds: float, cost: Cost) -> str:
    return f"{seconds / cost.chunks * 1000:.3f}"


def _memory_row(cost: Cost, least: Cost) -> Row:
    return {
        "What": f"Memory to compare {cost.chunks:,} passages, and of the whole process",
        "Measured": f"{cost.peak / 1e6:.1f} MB, {cost.resident / 1e6:.0f} MB",
        "Target": "" if cost is least else f"≤ × {STEADY}",
    }
