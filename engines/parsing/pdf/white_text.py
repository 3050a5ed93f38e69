"""White text, which is seen only where something dark is below it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.blocks import Line
from engines.parsing.pdf.drawn_objects import Drawn, drawn_objects
from engines.parsing.pdf.page_frame import Box, PageFrame

_MIN_WHITE = 250
_GROUND = frozenset({pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_SHADING})


def is_white(function: Any, *arguments: Any) -> bool:
    """Return whether the pdfium function gives white as the colour."""
    red, green, blue, opacity = (ctypes.c_uint() for _ in range(4))
    if not function(*arguments, red, green, blue, opacity):
        return False
    return min(red.value, green.value, blue.value) >= _MIN_WHITE


def without_unseen(pieces: Sequence[Line], page: Any, frame: PageFrame) -> list[Line]:
    """Leave out white pieces on the white page."""
    if not any(piece.is_white for piece in pieces):
        return list(pieces)
    grounds = list(_grounds(page, frame))
    return [piece for piece in pieces if not piece.is_white or any(_is_on(piece, box) for box in grounds)]


def _grounds(page: Any, frame: PageFrame) -> Iterator[Box]:
    for drawn in drawn_objects(page, _GROUND):
        box = drawn.box(frame)
        if box and not _is_white_path(drawn):
            yield box


def _is_white_path(drawn: Drawn) -> bool:
    is_path = pdfium_c.FPDFPageObj_GetType(drawn.handle) == pdfium_c.FPDF_PAGEOBJ_PATH
    return bool(is_path) and is_white(pdfium_c.FPDFPageObj_GetFillColor, drawn.handle)


def _is_on(piece: Line, box: Box) -> bool:
    x, y = (piece.left + piece.right) / 2, (piece.top + piece.bottom) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
