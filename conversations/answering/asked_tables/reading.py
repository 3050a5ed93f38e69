"""What the words of a question mean for one table: its columns, values, years, what is asked for, and words that add
nothing. A question with any other word is not understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.answering.asked_tables.words import Word, phrases, places, words_of

NUMBERS, DATES = {"integer", "decimal", "number"}, {"date", "timestamp"}
_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNT = re.compile(r"[1-9]\d?")
_SHORT_DESCRIPTION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedColumn:
    """`values` are the frequent ones of a text column."""

    name: str
    type: str
    description: str = ""
    values: tuple[str, ...] = ()

    @property
    def labels(self) -> list[list[Word]]:
        described = words_of(self.description)
        return [words_of(self.name), *([described] if 0 < len(described) <= _SHORT_DESCRIPTION else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTable:
    name: str
    description: str
    columns: tuple[AskedColumn, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """Of a column, at a place of the question."""

    column: AskedColumn
    place: range


@dataclass(slots=True)
class Reading:
    """`asked` has what is asked for, by the place of its words. `most` is the number of "top 5"."""

    words: Sequence[Word]
    mentions: list[Mention] = field(default_factory=list)
    where: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[range, str] = field(default_factory=dict)
    most: int | None = None
    table_places: list[range] = field(default_factory=list)
    _used: set[int] = field(default_factory=set)

    def take(self, place: range) -> bool:
        """Whether these words had no meaning before."""
        if self._used.intersection(place):
            return False
        self._used.update(place)
        return True

    def free(self) -> list[int]:
        return [place for place in range(len(self.words)) if place not in self._used]


def read(question: str, table: AskedTable) -> Reading | None:
    """None if it has a word without a meaning, or with several."""
    reading = Reading(words_of(question))
    if not _read_values(reading, table) or not _read_years(reading, table):
        return None
    _read_columns(reading, table)
    _read_asked(reading)
    if not _read_parts_of_columns(reading, table):
        return None
    _read_table(reading, table)
    _read_asked(reading, fillers=True)
    return None if reading.free() else reading


def _read_values(reading: Reading, table: AskedTable) -> bool:
    """False if a value is one of several columns."""
    by_words: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    for column in table.columns:
        for value in column.values:
            key = tuple(word.text for word in words_of(value))
            by_words.setdefault(key, set()).add((column.name, value))
    for key, found in sorted(by_words.items(), key=lambda one: -len(one[0])):
        phrase = [Word(text, frozenset()) for text in key]
        for place in places(reading.words, phrase, exact=True) if key else ():
            if reading.take(place):
                if len(found) > 1:
                    return False
                ((name, value),) = found
                reading.where.append({"column": name, "op": "eq", "value": value})
    return _has_one_value_each(reading.where)


def _has_one_value_each(where: Sequence[Mapping[str, Any]]) -> bool:
    """Two values of a column may mean both, or one of them."""
    return len({one["column"] for one in where}) == len(where)


def _read_years(reading: Reading, table: AskedTable) -> bool:
    """False if there are several, or not one column with dates."""
    years = [place for place in reading.free() if _YEAR.fullmatch(reading.words[place].text)]
    dates = [column for column in table.columns if column.type in DATES]
    if not years:
        return True
    if len(years) > 1 or len(dates) != 1:
        return False
    year = int(reading.words[years[0]].text)
    reading.take(range(years[0], years[0] + 1))
    for op, value in (("gte", year), ("lt", year + 1)):
        reading.where.append({"column": dates[0].name, "op": op, "value": f"{value}-01-01"})
    return True


def _read_columns(reading: Reading, table: AskedTable) -> None:
    labels = [(label, column) for column in table.columns for label in column.labels if label]
    for label, column in sorted(labels, key=lambda one: -len(one[0])):
        for place in places(reading.words, label, exact=False):
            if reading.take(place):
                reading.mentions.append(Mention(column, place))


def _read_asked(reading: Reading, *, fillers: bool = False) -> None:
    """Fillers are the last: a word of theirs may be the name of a column."""
    for key, phrase in phrases():
        wanted = [Word(text, frozenset()) for text in phrase]
        for place in places(reading.words, wanted, exact=True) if (key == "filler") == fillers else ():
            if reading.take(place) and not fillers:
                reading.asked[place] = key
                _read_most(reading, place)


def _read_most(reading: Reading, place: range) -> None:
    """A number after "top"."""
    following = reading.words[place.stop].text if place.stop < len(reading.words) else ""
    is_number = _COUNT.fullmatch(following) and reading.asked[place] in ("most", "max")
    if is_number and reading.take(range(place.stop, place.stop + 1)):
        reading.most = int(following)


def _read_parts_of_columns(reading: Reading, table: AskedTable) -> bool:
    """A word of a name or a description, if it is of one column only; False if it is of several. What fillers say, and the
    table's own name, is none."""
    ignored = {phrase[0] for key, phrase in phrases() if key == "filler" and len(phrase) == 1}
    own = words_of(table.name)
    for place in reading.free():
        word = reading.words[place]
        if word.text in ignored or any(word.is_form_of(one) for one in own):
            continue
        found = [column for column in table.columns if _has_word(column, word)]
        if len(found) > 1:
            return False
        if found and reading.take(range(place, place + 1)):
            reading.mentions.append(Mention(found[0], range(place, place + 1)))
    return True


def _has_word(column: AskedColumn, word: Word) -> bool:
    return any(word.is_form_of(one) for one in words_of(f"{column.name} {column.description}"))


def _read_table(reading: Reading, table: AskedTable) -> None:
    for one in _words_of_table(table):
        for place in places(reading.words, [one], exact=False):
            if reading.take(place):
                reading.table_places.append(place)


def _words_of_table(table: AskedTable) -> Iterator[Word]:
    yield from words_of(f"{table.name} {table.description}")
