"""Plain text: paragraphs, list items where lines begin with bullets, and blocks whose columns are aligned with spaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from engines.parsing import Element, ParsedDocument, ParseError, element_builders
from engines.parsing.job import Job
from engines.parsing.texts import encoding
from engines.parsing.texts.encoding import Decoded

_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_BULLET = re.compile(r"[ \t]*(?:[-*+•‣◦▪·]|\d{1,3}[.)]|\(?[a-z]\))[ \t]+\S")
# Some people write two spaces after a sentence.
_GAP = re.compile(r"(?<=[^\s.:;,!?])(?: {2,}|[ \t]*\t[ \t]*)(?=\S)")
_WIDE_GAP = " " * 4
_BRANCH = re.compile(r"^[\s|│]*(?:[│├└┌┐┘┤┬┴┼║╔╗╚╝╠╣╦╩╬]|[|+`\\]--)", re.M)
_MIN_ALIGNED_SHARE = 0.6


def read_plain(job: Job) -> ParsedDocument:
    content = load_counted(job)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements(content.text)), warnings=content.warnings
    )


def load(job: Job) -> str:
    """Return the file's text with normalized newlines. A file above the limit is not even decoded."""
    return load_counted(job).text


def load_counted(job: Job) -> Decoded:
    """Return the file's text, without zero bytes, and how many of its bytes were wrong."""
    if job.path.stat().st_size > job.limits.text_mb << 20:
        raise ParseError("output_too_large", limit=job.limits.text_mb)
    content = encoding.decode_counted(job.path.read_bytes())
    return content._replace(text=normalize_newlines(content.text.replace("\x00", "")))


def normalize_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def elements(text: str) -> Iterator[Element]:
    for block in _joined_rows(_BLANK_LINES.split(text.replace("\f", "\n\n"))):
        if _is_aligned(block) or len(_BRANCH.findall(block)) > 1:  # or a tree of folders
            yield element_builders.code(block)
        elif _BULLET.match(block):
            yield from _items(block)
        elif block.strip():
            yield element_builders.paragraph(block)


def _joined_rows(blocks: Iterable[str]) -> Iterator[str]:
    """Join rows of a table that have blank lines between them."""
    for is_row, group in groupby(blocks, key=lambda block: "\n" not in block and bool(_GAP.search(block))):
        rows = list(group)
        joined = "\n".join(rows)
        yield from [joined] if is_row and _is_aligned(joined) else rows


def _items(block: str) -> Iterator[Element]:
    first, *others = block.split("\n")
    items = [first]
    for line in others:
        if _BULLET.match(line):
            items.append(line)
        else:  # the line continues the item above
            items[-1] += " " + line.strip()
    return map(element_builders.item, items)


def _is_aligned(block: str) -> bool:
    """Return whether most lines have a word that begins or ends, beside a gap, under one of half of the other lines: then
    spaces say what belongs to which column. The gaps of justified text are small, and not above each other."""
    if "  " not in block and "\t" not in block:
        return False
    lines = [line.expandtabs().rstrip() for line in block.split("\n") if line.strip()]
    edges = [_edges(line) for line in lines]
    shared = Counter(edge for places in edges for edge in places)
    filled = sum(map(bool, edges))
    columns = {edge for edge, count in shared.items() if count > 1 and count * 2 >= filled}
    aligned = sum(not columns.isdisjoint(places) for places in edges)
    is_wide = _WIDE_GAP in block.replace("\t", _WIDE_GAP) or len(lines) in shared.values()
    return is_wide and aligned > 1 and aligned >= _MIN_ALIGNED_SHARE * len(lines)


def _edges(line: str) -> set[tuple[int, bool]]:
    """Return where words begin and end beside the gaps of a line that has some."""
    gaps = [match.span() for match in _GAP.finditer(line)]
    ends = {(start, True) for start, _ in gaps} | {(len(line), True)}
    return ends | {(end, False) for _, end in gaps} if gaps else set()
