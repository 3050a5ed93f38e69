"""The objects that a page draws, also inside of forms, which files draw as a whole."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

from engines.parsing.pdf.page_frame import Box, PageFrame

_MAX_DEPTH = 3
_MAX_OBJECTS = 20_000

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


class Drawn(NamedTuple):
    """A pdfium object, and the matrix that places its coordinates on the page."""

    handle: Any
    matrix: Matrix

    def box(self, frame: PageFrame) -> Box | None:
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not pdfium_c.FPDFPageObj_GetBounds(self.handle, left, bottom, right, top):
            return None
        if self.matrix is _IDENTITY:
            return frame.place_box(left.value, bottom.value, right.value, top.value)
        corners = [self.place(x.value, y.value) for x in (left, right) for y in (bottom, top)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return frame.place_box(min(xs), min(ys), max(xs), max(ys))

    def place(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.matrix
        return a * x + c * y + e, b * x + d * y + f


def drawn_objects(page: Any, kinds: frozenset[int]) -> Iterator[Drawn]:
    """Yield the first objects of these kinds."""
    handles = (
        pdfium_c.FPDFPage_GetObject(page, index) for index in range(pdfium_c.FPDFPage_CountObjects(page))
    )
    yield from _objects(handles, kinds, _IDENTITY, 1)


def _objects(handles: Iterator[Any], kinds: frozenset[int], matrix: Matrix, depth: int) -> Iterator[Drawn]:
    for handle in islice(handles, _MAX_OBJECTS):
        kind = pdfium_c.FPDFPageObj_GetType(handle)
        if kind in kinds:
            yield Drawn(handle, matrix)
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            yield from _objects(_inner(handle), kinds, joined(object_matrix(handle), matrix), depth + 1)


def _inner(form: Any) -> Iterator[Any]:
    return (
        pdfium_c.FPDFFormObj_GetObject(form, index)
        for index in range(pdfium_c.FPDFFormObj_CountObjects(form))
    )


def object_matrix(handle: Any) -> Matrix:
    matrix = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFPageObj_GetMatrix(handle, matrix):
        return _IDENTITY
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def joined(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the matrix that applies the inner one first."""
    a, b, c, d, e, f = inner
    a2, b2, c2, d2, e2, f2 = outer
    return (
        a * a2 + b * c2,
        a * b2 + b * d2,
        c * a2 + d * c2,
        c * b2 + d * d2,
        e * a2 + f * c2 + e2,
        e * b2 + f * d2 + f2,
    )
