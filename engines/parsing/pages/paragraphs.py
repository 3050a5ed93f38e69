"""Groups lines in reading order into paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from engines.parsing.pages.blocks import (
    Block,
    Furniture,
    Line,
    Paragraph,
    Table,
    overlap_across,
    overlap_down,
)

BULLET = re.compile(r"(?:[•▪◦●○■□\u2013\uf0b7\uf0a7\x7f]|[-*]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_SENTENCE_END = (".", "!", "?", ":", "\u3002", "\uff01", "\uff1f")
_NOTE_SCALE = 0.93
_NOTE_MARK = re.compile(r"(\d{1,3}|[⁰¹²³⁴-⁹]+|[*†‡§]+)[.)⁾]?\s*[^\W\d]")
_TO_SUPERSCRIPTS, _TO_DIGITS = (
    str.maketrans(*pair) for pair in (("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"), ("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
)
_LEADERS_END = re.compile(r"(?:[.·…_]\s?){5}\s*[\divxlc]+$")  # of a line in a table of contents
_DROP_CAP_SCALE = 1.6
_ONE_LETTER_WORDS = "AIO"

_Item = Paragraph | Table | Furniture


def paragraphs(blocks: Iterable[Block]) -> list[_Item]:
    """Return paragraphs, each with its notes behind it, tables, and what is kept of the pages' furniture."""
    pieces = _join_pieces(list(blocks))
    lines = [piece for piece in pieces if isinstance(piece, Line)]
    note_lines = _first_lines_of_notes(lines)
    found: list[_Item] = []
    for piece in pieces:
        if not isinstance(piece, Line):
            found.append(piece)
            continue
        is_note = id(piece) in note_lines
        paragraph = None if is_note or piece.is_comment else _paragraph_before(found, piece)
        if paragraph and _continues(paragraph.lines, piece):
            paragraph.lines.append(piece)
        else:
            found.append(Paragraph([piece], is_note=is_note))
    return _place_notes(found)


def _paragraph_before(found: list[_Item], line: Line) -> Paragraph | None:
    """Return the paragraph that the line may continue: the last one. Comments, and the notes at the foot of a column or
    a page, do not count."""
    for item in reversed(found):
        if isinstance(item, Paragraph):
            last = item.lines[-1]
            is_same_note = last.page == line.page and last.size == line.size
            if not last.is_comment and (not item.is_note or is_same_note):
                return item
        elif isinstance(item, Table):
            return None
    return None


def _join_pieces(blocks: list[Block]) -> list[Block]:
    """Join the pieces of a row of text, in the style of the longer one, and initials with their words."""
    common = {word for block in blocks if isinstance(block, Line) for word in block.text.split()}
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        both = _both_text(last, block)
        if both and _is_drop_cap(*both):
            initial, line = both
            is_word = initial.text in _ONE_LETTER_WORDS and line.text.split()[0] in common
            joined[-1] = replace(line, text=f"{initial.text}{' ' * is_word}{line.text}", left=initial.left)
        elif both and _is_same_row(*both):
            joined[-1] = join_row(*both)
        else:
            joined.append(block)
    return joined


def _both_text(last: Block | None, block: Block) -> tuple[Line, Line] | None:
    """Return both, if they are text of one page."""
    if not (isinstance(block, Line) and isinstance(last, Line) and block.page == last.page):
        return None
    return None if block.is_comment or last.is_comment else (last, block)


def _is_drop_cap(initial: Line, line: Line) -> bool:
    return (
        len(initial.text) == 1
        and initial.text.isupper()
        and initial.size > _DROP_CAP_SCALE * line.size > 0
        and 0 <= line.left - initial.left < 2 * initial.size
        and overlap_down(initial, line) > 0
    )


def _is_same_row(last: Line, line: Line) -> bool:
    lower_height = min(last.bottom - last.top, line.bottom - line.top)
    gap = -overlap_across(last, line)
    return overlap_down(last, line) > lower_height * 0.3 and -last.size < gap < last.size * 1.5


def join_row(last: Line, line: Line) -> Line:
    longer = max(last, line, key=lambda piece: len(piece.text))
    space = " " if -overlap_across(last, line) > longer.size * 0.15 else ""
    return replace(
        longer,
        text=f"{last.text.rstrip()}{space}{line.text.lstrip()}",
        left=min(last.left, line.left),
        right=max(last.right, line.right),
        confidence=min(last.confidence, line.confidence),
        level=max(last.level, line.level),
        words=(),
    )


def _continues(paragraph: list[Line], line: Line) -> bool:
    """Return whether the line belongs to the paragraph above it, in the same column and in the same style."""
    last = paragraph[-1]
    height = max(last.size, line.size, 1.0)
    is_within_sentence = not last.text.endswith(_SENTENCE_END) and not line.text[:1].isupper()
    if line.page != last.page:
        return is_within_sentence and last.size == line.size and not BULLET.match(line.text)
    if abs(last.size - line.size) > height * 0.08 or last.bold != line.bold or BULLET.match(line.text):
        return False
    if last.level != line.level or _LEADERS_END.search(last.text):
        return False
    gap, overlap = line.top - last.bottom, overlap_across(line, last)
    if gap < -height * 2 or overlap <= 0:  # the line begins another column
        return is_within_sentence
    pitch = last.bottom - paragraph[-2].bottom if len(paragraph) > 1 else 0.0
    max_gap = max(height * 0.75, pitch * 1.15 - (line.bottom - line.top)) if pitch > 0 else height * 0.75
    if is_within_sentence and line.text[:1].islower():  # lines may stand far apart
        max_gap = max(max_gap, height * 1.5)
    is_indented = line.left > paragraph[0].left + height
    return gap <= max_gap and not (is_indented and last.text.endswith(_SENTENCE_END))


def _first_lines_of_notes(lines: list[Line]) -> set[int]:
    """Return the ids of the lines that begin a note: with a mark, in small letters, and below all other text in their
    column."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[line.size] += len(line.text)
    body_size = letters.most_common(1)[0][0] if letters else 0.0
    limit = _NOTE_SCALE * body_size
    candidates = [line for line in lines if 0 < line.size <= limit and _NOTE_MARK.match(line.text)]
    return {
        id(line)
        for line in candidates
        if not any(
            other.page == line.page
            and other.top > line.top
            and other.size > limit
            and overlap_across(other, line) > 0
            for other in lines
        )
    }


def _place_notes(items: list[_Item]) -> list[_Item]:
    """Move each note behind the paragraph that has its mark, or else behind the last paragraph before it, which may go on
    on the next page."""
    placed: list[_Item] = []
    for item in items:
        if not (isinstance(item, Paragraph) and item.is_note):
            placed.append(item)
            continue
        match = _NOTE_MARK.match(item.lines[0].text)
        mark = match.group(1).translate(_TO_SUPERSCRIPTS) if match else ""
        placed.insert(_place_of_mark(placed, mark, item.lines[0].page), item)
    return placed


def _place_of_mark(placed: list[_Item], mark: str, page: int) -> int:
    """Return the index behind the paragraph on this page with this raised mark, and behind the notes that follow it."""
    digits = re.escape(mark.translate(_TO_DIGITS))
    has_mark = re.compile(rf"(?<![⁰¹²³⁴-⁹]){re.escape(mark)}(?![⁰¹²³⁴-⁹])|\^{digits}(?!\d)")
    for at in range(len(placed), 0, -1):
        item = placed[at - 1]
        if not isinstance(item, Paragraph) or item.lines[-1].page < page:
            break
        if not item.is_note and any(line.page == page and has_mark.search(line.text) for line in item.lines):
            notes = takewhile(lambda after: isinstance(after, Paragraph) and after.is_note, placed[at:])
            return at + len(list(notes))
    return len(placed)
