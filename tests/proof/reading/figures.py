"""The figures of a run: a row for each format of each collection, with its goals and those that it misses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import mean

from benchmarks.reports import Row
from tests.proof.reading.measures import Share
from tests.proof.reading.trial import Result

FOUND = {"docx": 0.98, "pptx": 0.97, "xlsx": 0.97, "odt": 0.97, "ods": 0.97, "odp": 0.97, "rtf": 0.96}
FOUND |= {"xml": 0.98, "eml": 0.97, "msg": 0.97, "pdf": 0.985}
CELLS = {"docx": 0.98, "pptx": 0.98, "xlsx": 0.98, "html": 0.98, "pdf": 0.85}
TRUE, PDF_ORDER = 0.95, 0.95
MAX_FALSE_TITLES, MAX_WRONG_CITATIONS, MAX_JUNK = 0.02, 0.002, 0.001
ALL = "all"
Part = Callable[[Result], Share]


@dataclass(frozen=True, slots=True)
class Figures:
    """Words, as in the literature, are the means of the files; the others count all of them together."""

    collection: str
    format: str
    results: Sequence[Result]

    def mean(self, part: Part) -> float:
        return mean(part(result).part for result in self.results)

    def sum(self, part: Part) -> Share:
        return reduce(add, map(part, self.results), Share())

    @property
    def found(self) -> float:
        return self.mean(lambda one: one.measured.found)

    @property
    def true(self) -> float:
        return self.mean(lambda one: one.measured.true)

    @property
    def order(self) -> float:
        return self.mean(lambda one: one.measured.ordered)

    @property
    def cells(self) -> Share:
        return self.sum(lambda one: one.measured.cells)

    @property
    def true_titles(self) -> Share:
        return self.sum(lambda one: one.measured.true_titles)

    @property
    def cited(self) -> Share:
        return self.sum(lambda one: one.cited)

    @property
    def junk(self) -> Share:
        return self.sum(lambda one: one.junk)

    def goals(self) -> dict[str, tuple[str, bool]]:
        """Return {name: (the goal, whether it is met)}."""
        name = self.format
        goals = {"precision": (f"≥ {TRUE}", self.true >= TRUE)}
        if name in FOUND:
            goals["words"] = (f"≥ {FOUND[name]}", self.found >= FOUND[name])
        if name == "pdf":
            goals["order"] = (f"≥ {PDF_ORDER}", self.order >= PDF_ORDER)
        if name in CELLS and self.cells.total:
            goals["cells"] = (f"≥ {CELLS[name]:.0%}", self.cells.part >= CELLS[name])
        if name == "pptx":
            false = 1 - self.true_titles.part
            goals["titles that are none"] = (f"≤ {MAX_FALSE_TITLES:.0%}", false <= MAX_FALSE_TITLES)
        goals["pages of chunks"] = (
            f"wrong ≤ {MAX_WRONG_CITATIONS:.1%}",
            1 - self.cited.part <= MAX_WRONG_CITATIONS,
        )
        goals["junk"] = (f"≤ {MAX_JUNK:.1%}", _rate(self.junk) <= MAX_JUNK)
        return goals

    @property
    def missed(self) -> list[str]:
        return [name for name, (_, met) in self.goals().items() if not met]

    def row(self) -> Row:
        return {
            "Collection": self.collection,
            "Format": self.format,
            "Files": str(len(self.results)),
            "Without a fault": str(sum(not one.faults for one in self.results)) if self.format == ALL else "",
            "Words found": f"{self.found:.3f}",
            "Precision": f"{self.true:.3f}",
            "Order": f"{self.order:.3f}",
            "Pages": _of(self.sum(lambda one: one.measured.pages)),
            "Titles": _of(self.sum(lambda one: one.measured.titles)),
            "Titles that are none": _wrong(self.true_titles),
            "Cells": _of(self.cells),
            "Chunks on a wrong page": _wrong(self.cited),
            "Chunks of junk": _of(self.junk),
            "A file": f"{mean(one.seconds for one in self.results):.2f} s",
            "Memory": f"{max(one.megabytes for one in self.results)} MB",
            "Goals": "; ".join(f"{name} {goal}" for name, (goal, _) in self.goals().items()),
            "Missed": ", ".join(self.missed) or "–",
        }


def all_formats(collection: str, results: Sequence[Result]) -> Figures:
    """Our own files have too few of each format for a row."""
    return Figures(collection, ALL, results)


def by_format(collection: str, results: Iterable[Result]) -> list[Figures]:
    groups = defaultdict[str, list[Result]](list)
    for result in results:
        groups[result.sample.format].append(result)
    return [Figures(collection, name, groups[name]) for name in sorted(groups)]


def right_by_fault(results: Iterable[Result]) -> dict[str, Share]:
    """Return {kind of fault: the files that are read right}."""
    counts = defaultdict[str, Share](Share)
    for result in results:
        kind, *_ = result.sample.reference.fault[0].split()
        counts[kind] += Share(not result.faults, 1)
    return dict(sorted(counts.items()))


def _rate(share: Share) -> float:
    return share.right / share.total if share.total else 0.0


def _of(share: Share) -> str:
    return f"{share.right:,} of {share.total:,}" if share.total else "–"


def _wrong(share: Share) -> str:
    return _of(Share(share.total - share.right, share.total))
