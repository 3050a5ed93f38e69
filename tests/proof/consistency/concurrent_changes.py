"""Comparisons while documents are added, changed, tagged and deleted: these are no inconsistencies."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import connection

from benchmarks.reports import Row
from knowledge.services.changing import delete_documents, reindex_documents
from knowledge.services.tags import tag_documents, untag_documents
from tests.knowledge.commands import run
from tests.knowledge.libraries import BEES, RIVERS, Library

FILES = 12


def compare_during_changes(library: Library, rounds: int, rng: random.Random) -> int:
    """Compare the stores without a pause during `rounds` of changes. Return the number of comparisons, none of which had
    findings."""
    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(_change, library, rounds, rng)
        comparisons = 0
        while not changes.done():
            _assert_consistent(library)
            comparisons += 1
        changes.result()
    _assert_consistent(library)
    return comparisons


def false_alarms_row(comparisons: int) -> Row:
    return {
        "What": "False alarms while documents come, change, are tagged and go",
        "Measured": f"0 in {comparisons} runs",
        "Target": "0",
    }


def _assert_consistent(library: Library) -> None:
    assert run("reconcile", person=library.person)["counts"] == {}


def _change(library: Library, rounds: int, rng: random.Random) -> None:
    changes: list[Callable[..., int]] = [
        partial(tag_documents, tags=["mine"]),
        partial(untag_documents, tags=["mine"]),
        reindex_documents,
        delete_documents,
    ]
    try:
        for number in range(rounds):
            names = {f"{rng.randrange(FILES)}.md" for _ in range(4)}
            library.queue(*(library.upload(name, f"{BEES}{RIVERS}{number}") for name in names))
            library.work()
            document = rng.choice([*library.documents().values()])
            rng.choice(changes)(actor=library.person.actor, document_ids=[document.pk])
    finally:
        connection.close()
