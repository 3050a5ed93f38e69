"""Numbers of a sentence, in digits or words, with their units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from conversations.answering.facts.tables import first_by_word
from engines.words.folding import fold, normalized
from engines.words.stems import PREFIX_LENGTH
from engines.words.tokens import words_of

_SPACES_INSIDE = re.compile(r"(?<![\d.,])(\d{1,3})((?:[ \u00a0\u202f]\d{3})+)(?!\d)")
# A word goes on with vowel signs, which `\w` does not include.
_WORD = r"[°µ]?[^\W\d_][^\s\d!-/:-@\[-`{-~\u00ab\u00bb\u0964\u2000-\u206f\u3000-\u303f\uff00-\uff0f]*"
_ATOM = re.compile(
    rf"(?P<number>\d+(?:[.,'’]\d+)*)|(?P<word>{_WORD})|(?P<sign>[€$£¥%])|(?P<end>[.;:!?|()\u0964]\s)"
)
# Words that multiply the number before them.
_MIN_SCALE = 100
_YEARS = range(1000, 2101)
MOST_LISTED = 4


class Number(NamedTuple):
    """`values` are its readings: 1.234 may be 1234. `unit` is "" if none is known, and `counted` is the beginning of the
    word after it. `text` is how it is written, with its unit or that word."""

    values: frozenset[float]
    unit: str
    counted: str
    text: str

    def is_like(self, other: Number) -> bool:
        """Whether both say how much of the same, as far as their words show it."""
        if self.unit or other.unit:
            return self.unit == other.unit
        return (
            self.counted == other.counted if self.counted and other.counted else self.is_year == other.is_year
        )

    @property
    def is_count_in_words(self) -> bool:
        """Whether it may be the number of things that the passage lists, as in "the two towers"."""
        return not self.text[:1].isdigit() and max(self.values) <= MOST_LISTED and not self.unit

    @property
    def is_year(self) -> bool:
        return any(value in _YEARS for value in self.values) and not self.unit


def numbers_in(text: str) -> list[Number]:
    """Return the numbers in the order of the text; each group of digits of a date, a version or a name is one. The words for
    one are left out, because they mostly mean something else."""
    text = _SPACES_INSIDE.sub(lambda match: re.sub(r"\s", "", match[0]), normalized(text))
    atoms = [*_ATOM.finditer(text)]
    found, at = list[Number](), 0
    while at < len(atoms):
        values, after = _value(atoms, at)
        found += (_with_unit(one, text, atoms, at, after) for one in values)
        at = max(after, at + 1)
    return found


def _value(atoms: Sequence[re.Match[str]], at: int) -> tuple[list[frozenset[float]], int]:
    """What the number at this place stands for, and where it ends; nothing if it is none."""
    first = atoms[at]
    numeral = _numeral(first)
    if not first["number"] and (numeral is None or numeral >= _MIN_SCALE * 10):
        return [], at
    values = [*_readings(first["number"])] if first["number"] else [frozenset({numeral or 0.0})]
    last, at = numeral, at + 1
    while at < len(atoms) and len(values) == 1 and (following := _numeral(atoms[at])) is not None:
        if following >= _MIN_SCALE:
            values = [frozenset(value * following for value in values[0])]
        elif last is not None and last >= 20 and last > following and following < 10:
            values = [frozenset(value + following for value in values[0])]
        else:
            break
        last, at = following, at + 1
    return values, at


def _readings(digits: str) -> Iterator[frozenset[float]]:
    wholes = words_of(digits).wholes
    try:
        yield frozenset(map(float, wholes))
    except ValueError:
        yield from (frozenset({float(group)}) for group in re.findall(r"\d+", digits))


def _numeral(atom: re.Match[str]) -> float | None:
    value = first_by_word("numerals").get(fold(atom["word"] or ""))
    return float(value) if value else None


def _with_unit(
    values: frozenset[float], text: str, atoms: Sequence[re.Match[str]], at: int, after: int
) -> Number:
    before, following = atoms[max(0, at - 1) : at], atoms[after : after + 2]
    if following and following[0]["end"]:
        following = []
    units = [_unit(atom, is_next=atom is following[0]) for atom in following if atom["word"] or atom["sign"]]
    unit = next(filter(None, units), "")
    if before and before[0]["sign"] and before[0]["sign"] != "%":
        unit = _unit(before[0], is_next=True)
    counted = following[0]["word"] if following else ""
    end = (
        following[-1 if unit and not units[0] else 0].end()
        if counted or (unit and following)
        else atoms[after - 1].end()
    )
    start = before[0].start() if before and before[0]["sign"] else atoms[at].start()
    return Number(values, unit, fold(counted or "")[:PREFIX_LENGTH], text[start:end])


def _unit(atom: re.Match[str], *, is_next: bool) -> str:
    written = fold(atom[0])
    return first_by_word("units").get(written, "") if is_next or len(written) > 1 else ""
