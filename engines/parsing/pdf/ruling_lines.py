"""The lines that are drawn on a page, as around the cells of tables."""

from __future__ import annotations

import ctypes
from collections import defaultdict
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
_MAX_AREAS = 200  # of a colour
_SNAP = 2.5


def ruling_lines(page: Any, frame: PageFrame) -> Rules:
    horizontal: list[Rule] = []
    vertical: list[Rule] = []
    paths = islice(drawn_objects(page, frozenset({pdfium_c.FPDF_PAGEOBJ_PATH})), _MAX_PATHS)
    for path, box in _visible(paths, frame):
        for left, top, right, bottom in _strokes(path, box, frame):
            if bottom - top <= _THIN and right - left >= _MIN_LENGTH:
                horizontal.append(Rule((top + bottom) / 2, left, right))
            elif right - left <= _THIN and bottom - top >= _MIN_LENGTH:
                vertical.append(Rule((left + right) / 2, top, bottom))
    return Rules(_merged(horizontal), _merged(vertical))


def _visible(paths: Iterable[Drawn], frame: PageFrame) -> Iterator[tuple[Drawn, Box]]:
    """Leave out what is filled like an area around it, as the lines of text in a shaded cell often are."""
    areas = defaultdict[tuple[int, ...], list[Box]](list)
    for path in paths:
        box, colour = path.box(frame), _fill(path.handle)
        if box and not (colour and any(_holds(area, box) for area in areas[colour])):
            yield path, box
        if box and colour and len(areas[colour]) < _MAX_AREAS and not _is_thin(box):
            areas[colour].append(box)


def _fill(path: Any) -> tuple[int, ...] | None:
    """Return the colour of a path that is filled, and not drawn around."""
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    parts = [ctypes.c_uint() for _ in range(4)]
    pdfium_c.FPDFPath_GetDrawMode(path, mode, stroke)
    if stroke.value or not mode.value or not pdfium_c.FPDFPageObj_GetFillColor(path, *parts):
        return None
    return tuple(part.value for part in parts)


def _holds(area: Box, box: Box) -> bool:
    return area[0] - 1 <= box[0] and area[1] - 1 <= box[1] and box[2] <= area[2] + 1 and box[3] <= area[3] + 1


def _is_thin(box: Box) -> bool:
    return box[2] - box[0] <= _THIN or box[3] - box[1] <= _THIN


def _strokes(path: Drawn, box: Box, frame: PageFrame) -> Iterator[Box]:
    """Yield the path itself if it is thin, and otherwise its straight parts."""
    if _is_thin(box):
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
