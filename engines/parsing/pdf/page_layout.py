"""What a page's pieces of text are: tables, columns, and lines in reading order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from engines.parsing.pages.aligned_cells import rows_of
from engines.parsing.pages.blocks import Line, Table, are_in_row, overlap_across
from engines.parsing.pages.leaders import divided_at_leaders, joined_at_leaders
from engines.parsing.pages.paragraphs import join_row
from engines.parsing.pages.reading_order import in_reading_order
from engines.parsing.pages.rules import Rules
from engines.parsing.pages.tables import with_tables

_MIN_ROWS = 2
_MAX_CELL_LETTERS = 40
_BULLET = re.compile(r"[•▪◦●○■□➢✓✔►‣\uf0b7\uf0a7\x7f]|\(?(?:\d{1,2}|[a-z])[.)]")
_MAX_INDENT = 3.0  # in sizes
_MAX_SPACE = 0.9  # in sizes


def lay_out(pieces: Sequence[Line], rules: Callable[[], Rules]) -> list[Line | Table]:
    pieces = divided_at_leaders(_with_bullets(pieces))
    blocks = with_tables(pieces, rules()) if _may_have_tables(pieces) else list(pieces)
    return in_reading_order(_with_whole_lines(blocks))


def _with_whole_lines(blocks: Sequence[Line | Table]) -> list[Line | Table]:
    """Join the pieces of lines with wide spaces or leaders."""
    joined: list[Line | Table] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if isinstance(block, Line) and isinstance(last, Line) and last.has_leaders:
            joined[-1] = joined_at_leaders(last, block)
        elif isinstance(block, Line) and isinstance(last, Line) and _is_rest_of_line(last, block):
            joined[-1] = join_row(last, block)
        else:
            joined.append(block)
    return joined


def _is_rest_of_line(last: Line, line: Line) -> bool:
    gap = -overlap_across(last, line)
    return abs(last.bottom - line.bottom) < 0.1 * line.size and 0 <= gap <= _MAX_SPACE * line.size


def _with_bullets(pieces: Sequence[Line]) -> list[Line]:
    """Join bullets and numbers of lists with the text right of them."""
    bullets = [piece for piece in pieces if _BULLET.fullmatch(piece.text)]
    joined = dict[int, Line]()
    for bullet in bullets:
        beside = [
            piece
            for piece in pieces
            if 0 <= -overlap_across(bullet, piece) <= _MAX_INDENT * piece.size
            and piece.left > bullet.left
            and are_in_row(bullet, piece)
        ]
        if beside:
            text = min(beside, key=lambda piece: piece.left)
            words = (*bullet.words, text.words[0]._replace(space=True), *text.words[1:]) if text.words else ()
            joined[id(text)] = replace(text, text=f"{bullet.text} {text.text}", left=bullet.left, words=words)
            joined[id(bullet)] = joined[id(text)]
    return list({id(line): line for line in (joined.get(id(piece), piece) for piece in pieces)}.values())


def _may_have_tables(pieces: Sequence[Line]) -> bool:
    """Return whether pieces stand side by side, drawn in sequence or short and on exactly the same baseline."""
    in_sequence = sum(
        are_in_row(one, other) and overlap_across(one, other) < -0.5 * one.size
        for one, other in pairwise(pieces)
    )
    return (
        in_sequence >= _MIN_ROWS
        or sum(
            len(row) > 1
            and max(len(line.text) for line in row) <= _MAX_CELL_LETTERS
            and max(line.bottom for line in row) - min(line.bottom for line in row) < 0.15 * row[0].size
            for row in rows_of(pieces)
        )
        >= _MIN_ROWS
    )
