"""Identifiers are found first among passages that hardly differ, alone and inside of sentences, in the default mode."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.knowledge.libraries import Library

PASSAGES_PER_KIND, QUESTIONS, MIN_FIRST = 60, 70, 67
CHANCE = random.Random(13)


class Kind(NamedTuple):
    """`passage` and `questions` have the identifier's place, and a passage also those of a name and a day."""

    identifier: Callable[[], str]
    passage: str
    questions: tuple[str, ...]


def digits(count: int) -> str:
    return "".join(CHANCE.choices("0123456789", k=count))


KINDS = (
    Kind(
        lambda: f"PO-{digits(5)}",
        "Order {} was sent to {} on {}. The parcel has two items, and the invoice follows by mail.",
        ("{}", "where is order {}", "What happened to the order {} that we were promised last week?"),
    ),
    Kind(
        lambda: f"SN{CHANCE.choice('ABCDEF')}{digits(2)}-{digits(4)}",
        "The pump with the serial number {} was serviced by {} on {}. Its seals were replaced.",
        ("{}", "serial number {}", "When was the pump with the serial number {} last serviced, and by whom?"),
    ),
    Kind(
        lambda: f"E{digits(4)}",
        "Error {}: the drive has a fault. Restart the device, and call {} if it happens again on {}.",
        ("{}", "error {}", "What do I do when the machine stops and shows {} on its display?"),
    ),
    Kind(
        lambda: f"10.{CHANCE.randrange(4)}.{CHANCE.randrange(40)}.{CHANCE.randrange(1, 255)}",
        "Host {} is a workstation of the sales department. It was installed by {} on a {}.",
        ("{}", "host {}", "Who installed the computer with the address {} in our network?"),
    ),
)
PEOPLE = ("Miller", "Tanaka", "Okafor", "Rossi", "Novak", "Silva")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def test_identifiers_come_first(library: Library) -> None:
    asked = list[tuple[str, str]]()
    for number, kind in enumerate(KINDS):
        identifiers = list(dict.fromkeys(kind.identifier() for _ in range(2 * PASSAGES_PER_KIND)))
        sections = [
            f"## Entry\n\n{kind.passage.format(one, CHANCE.choice(PEOPLE), CHANCE.choice(DAYS))}\n"
            for one in identifiers[:PASSAGES_PER_KIND]
        ]
        library.add(f"{number}.md", "\n".join(sections))
        asked += [
            (one, kind.questions[place % 3].format(one))
            for place, one in enumerate(identifiers[:PASSAGES_PER_KIND])
        ]
    wrong = [
        question
        for one, question in CHANCE.sample(asked, QUESTIONS)
        if f"{one} " not in library.find(question)[0].text.replace(":", " ")
    ]
    assert len(wrong) <= QUESTIONS - MIN_FIRST, wrong
