"""Documents come, change, are tagged and go, while others compare: that is no inconsistency."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import connection

from benchmarks.reports import Row
from knowledge.services.changing import delete_documents, reindex_documents
from knowledge.services.tags import tag_documents, untag_documents
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.knowledge.test_commands import run

NAMES = 12


def compare_beside(library: Library, rounds: int, chance: random.Random) -> int:
    """How often the stores were compared while `rounds` of changes were made; each time, all agreed."""
    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(_change, library, rounds, chance)
        runs = 0
        while not changes.done():
            _agree(library)
            runs += 1
        changes.result()
    _agree(library)
    return runs


def beside_row(runs: int) -> Row:
    return {
        "What": "False alarms while documents come, change, are tagged and go",
        "Measured": f"0 in {runs} runs",
        "Target": "0",
    }


def _agree(library: Library) -> None:
    assert run("reconcile", person=library.person)["counts"] == {}


def _change(library: Library, rounds: int, chance: random.Random) -> None:
    try:
        for number in range(rounds):
            names = [f"{chance.randrange(NAMES)}.md" for _ in range(4)]
            library.queue(*(library.upload(name, f"{BEES}{RIVERS}{number}") for name in set(names)))
            library.work()
            _change_one(library, chance)
    finally:
        connection.close()


def _change_one(library: Library, chance: random.Random) -> None:
    document = chance.choice([*library.documents().values()])
    changes: list[Callable[..., int]] = [
        partial(tag_documents, tags=["mine"]),
        partial(untag_documents, tags=["mine"]),
        reindex_documents,
        delete_documents,
    ]
    chance.choice(changes)(actor=library.person.actor, document_ids=[document.pk])
