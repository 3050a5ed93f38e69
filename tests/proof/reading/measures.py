"""Measures: a text that was read against its reference, in words, titles, pages and cells of tables."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engines.parsing import Element, ElementKind, ParsedDocument
from tests.proof.reading.reference import Reference, Said

# Marks that scripts may leave out (accents of Arabic and Hebrew, for example), soft hyphens, joiners.
DROPPED = {"Mn", "Mc", "Cf"}
# Chinese and Japanese have no spaces: each sign is a word.
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{IDEOGRAPHS}]|(?:(?![{IDEOGRAPHS}])[^\W_])+")
MAX_OFFSET = 3  # columns that a table may have before those of the reference


class Share(NamedTuple):
    """So many of so many are right. `+` adds the counts of two files."""

    right: int = 0
    total: int = 0

    def __add__(self, other: object) -> Share:
        assert isinstance(other, Share)
        return Share(self.right + other.right, self.total + other.total)

    @property
    def part(self) -> float:
        return self.right / self.total if self.total else 1.0


class Measured(NamedTuple):
    """`found` are words of the reference, `true` words that were read, `ordered` the longest common subsequence of both. A
    `title` of the reference is right if it is one that was read; `true_titles` are among those read."""

    found: Share
    true: Share
    ordered: Share
    pages: Share
    titles: Share
    true_titles: Share
    cells: Share


def words(text: str) -> list[str]:
    """Return the runs of letters and digits, without case and in Unicode's compatible forms."""
    normal = unicodedata.normalize("NFKC", text).casefold().replace("^", "")  # 10^9 is 10⁹
    kept = "".join(letter for letter in normal if unicodedata.category(letter) not in DROPPED)
    return WORD.findall(kept)


def measure(document: ParsedDocument, reference: Reference) -> Measured:
    expected, optional = words(reference.text), words("\n".join(reference.optional))
    read = [word for element in document.elements for word in words(element.text)]
    common = sum((Counter(read) & Counter(expected)).values())
    extra = Counter(read) - Counter(expected) - Counter(optional)
    return Measured(
        found=Share(common, len(expected)),
        true=Share(len(read) - extra.total(), len(read)),
        ordered=Share(common_subsequence(expected, read), len(expected)),
        pages=pages(document.elements, reference.elements),
        titles=share_of(titles(reference.elements), titles(document.elements)),
        true_titles=share_of(_certain(titles(document.elements), optional), titles(reference.elements)),
        cells=cells(tables(document.elements), tables(reference.elements)),
    )


def common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the longest common subsequence: bit-parallel, after Crochemore et al. (2001)."""
    places = Counter[str]()
    for position, word in enumerate(left):
        places[word] |= 1 << position
    all_bits = state = (1 << len(left)) - 1
    for word in right:
        matches = state & places[word]
        state = ((state + matches) | (state - matches)) & all_bits
    return len(left) - state.bit_count()


def words_by_page(elements: Iterable[Element]) -> dict[int | None, str]:
    found = defaultdict[int | None, list[str]](list)
    for element in elements:
        found[element.page] += words(element.text)
    return {page: line(on_page) for page, on_page in found.items()}


def pages(elements: Iterable[Element], reference: Iterable[Said]) -> Share:
    """An element's page is right if its words were read on that page, one after another."""
    read = words_by_page(elements)
    placed = [said for said in reference if said.page]
    return Share(sum(line(_words_on_page(said)) in read.get(said.page, "") for said in placed), len(placed))


def _words_on_page(said: Said) -> list[str]:
    """The words that are looked for on a page. Of a table it is its first line, because it may repeat merged cells."""
    return words(said.text.partition("\n")[0] if said.kind is ElementKind.TABLE else said.text)


def titles(elements: Iterable[Element | Said]) -> Counter[str]:
    return Counter(line(words(one.text)) for one in elements if one.kind is ElementKind.TITLE)


def _certain(titles: Counter[str], optional: Sequence[str]) -> Counter[str]:
    """Without those whose words are all optional, such as the name of a sheet."""
    return Counter({title: count for title, count in titles.items() if set(title.split()) - set(optional)})


def share_of(some: Counter[str], others: Counter[str]) -> Share:
    return Share((some & others).total(), some.total())


Table = list[list[str]]


def tables(elements: Iterable[Element | Said]) -> list[Table]:
    return [rows(one.text) for one in elements if one.kind is ElementKind.TABLE]


def rows(text: str) -> Table:
    """Return a table's cells, each as its words."""
    return [[line(words(cell)).strip() for cell in row.split("|")] for row in text.split("\n")]


def cells(read: Sequence[Table], reference: Sequence[Table]) -> Share:
    """Count the cells of the reference that stand in their row and column. A table may begin some columns further right,
    or be in several parts, as on several pages."""
    found = [row for table in read for row in table]
    rows_with = defaultdict[str, set[int]](set)
    for number, row in enumerate(found):
        for cell in row:
            rows_with[cell].add(number)
    total = Share()
    for table in reference:
        pairs = []
        for row in table:
            numbers = {number for cell in filter(None, row) for number in rows_with[cell]}
            pairs.append((row, [found[number] for number in numbers]))
        placed = max(_placed(pairs, offset) for offset in range(MAX_OFFSET + 1))
        total += Share(placed, sum(bool(cell) for row in table for cell in row))
    return total


def _placed(pairs: Iterable[tuple[list[str], Table]], offset: int) -> int:
    """Each row is compared with the row that agrees with it most."""
    return sum(max((_agreeing(row, other[offset:]) for other in others), default=0) for row, others in pairs)


def _agreeing(row: Sequence[str], other: Sequence[str]) -> int:
    return sum(bool(cell) and cell == read for cell, read in zip(row, other, strict=False))


def line(found: Sequence[str]) -> str:
    """Words between spaces, so that `in` finds whole ones only."""
    return f" {' '.join(found)} "
