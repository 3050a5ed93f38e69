"""The lines that are drawn on a page, as around the cells of tables."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.rules import Rule, Rules
from engines.parsing.pdf.drawn_objects import Drawn, drawn_objects, joined, object_matrix
from engines.parsing.pdf.page_frame import Box, PageFrame

_THIN = 3.0
_MIN_LENGTH = 6.0
_MAX_PATHS = 3_000
_MAX_SEGMENTS = 400
_SNAP = 2.5


def ruling_lines(page: Any, frame: PageFrame) -> Rules:
    horizontal: list[Rule] = []
    vertical: list[Rule] = []
    for path in islice(drawn_objects(page, frozenset({pdfium_c.FPDF_PAGEOBJ_PATH})), _MAX_PATHS):
        for left, top, right, bottom in _strokes(path, frame):
            if bottom - top <= _THIN and right - left >= _MIN_LENGTH:
                horizontal.append(Rule((top + bottom) / 2, left, right))
            elif right - left <= _THIN and bottom - top >= _MIN_LENGTH:
                vertical.append(Rule((left + right) / 2, top, bottom))
    return Rules(_merged(horizontal), _merged(vertical))


def _strokes(path: Drawn, frame: PageFrame) -> Iterator[Box]:
    """Yield the path itself if it is thin, and otherwise its straight parts."""
    box = path.box(frame)
    if not box:
        return
    if box[2] - box[0] <= _THIN or box[3] - box[1] <= _THIN:
        yield box
        return
    points = list(_points(path, frame))
    for one, other in pairwise(points):
        if one and other:
            yield min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])


def _points(path: Drawn, frame: PageFrame) -> Iterator[tuple[float, float] | None]:
    """Yield the corners of the path, with None where it begins anew."""
    x, y = ctypes.c_float(), ctypes.c_float()
    own = Drawn(path.handle, joined(object_matrix(path.handle), path.matrix))
    first: tuple[float, float] | None = None
    for index in range(min(pdfium_c.FPDFPath_CountSegments(path.handle), _MAX_SEGMENTS)):
        segment = pdfium_c.FPDFPath_GetPathSegment(path.handle, index)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind == pdfium_c.FPDF_SEGMENT_BEZIERTO:
            return  # a drawing
        point = frame.place(*own.place(x.value, y.value))
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            yield None
            first = point
        yield point
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            yield first


def _merged(rules: Iterable[Rule]) -> list[Rule]:
    """Join rules that touch in one line, and those that are double."""
    merged: list[Rule] = []
    for rule in sorted(rules):
        index = _touching(merged, rule)
        if index is None:
            merged.append(rule)
        else:
            other = merged[index]
            merged[index] = Rule(other.at, min(rule.start, other.start), max(rule.end, other.end))
    return merged


def _touching(merged: Sequence[Rule], rule: Rule) -> int | None:
    for index in range(len(merged) - 1, -1, -1):
        other = merged[index]
        if rule.at - other.at > _SNAP:
            return None
        if rule.start <= other.end + _SNAP and rule.end >= other.start - _SNAP:
            return index
    return None
