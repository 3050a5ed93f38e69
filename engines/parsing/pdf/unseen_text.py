"""White and invisible text: it is seen only where something else is drawn, such as the scan that it was recognised in."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.blocks import Line
from engines.parsing.pdf.page_frame import PageFrame

_MIN_WHITE = 250
_MAX_PIXELS = 2_000_000
_MIN_CONTRAST = 8
_MARGIN = 3.0


_red, _green, _blue, _opacity = (ctypes.c_uint() for _ in range(4))


def may_be_unseen(layer: Any, index: int) -> bool:
    """Return whether a letter is not drawn, or filled with white, for which pdfium takes patterns, too."""
    mode = pdfium_c.FPDFTextObj_GetTextRenderMode(pdfium_c.FPDFText_GetTextObject(layer, index))
    if mode in (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP):
        return True
    if not pdfium_c.FPDFText_GetFillColor(layer, index, _red, _green, _blue, _opacity):
        return False
    return min(_red.value, _green.value, _blue.value) >= _MIN_WHITE


def without_unseen(pieces: Sequence[Line], page: Any, frame: PageFrame) -> list[Line]:
    """Leave out the pieces that may be unseen and cannot be told from what is around them."""
    doubtful = [piece for piece in pieces if piece.may_be_unseen]
    if not doubtful:
        return list(pieces)
    look = _Look(doubtful, page, frame)
    return [piece for piece in pieces if not piece.may_be_unseen or look.shows(piece)]


class _Look:
    """The part of a page around some pieces, drawn in shades of grey."""

    def __init__(self, pieces: Sequence[Line], page: Any, frame: PageFrame) -> None:
        self._scale = min(1.0, (_MAX_PIXELS / max(frame.width * frame.height, 1.0)) ** 0.5)
        left, top, right, bottom = (
            max(margin, 0.0)
            for margin in (
                min(piece.left for piece in pieces) - _MARGIN,
                min(piece.top for piece in pieces) - _MARGIN,
                frame.width - max(piece.right for piece in pieces) - _MARGIN,
                frame.height - max(piece.bottom for piece in pieces) - _MARGIN,
            )
        )
        bitmap = page.render(
            scale=self._scale,
            crop=(left, bottom, right, top),
            grayscale=True,
            draw_annots=False,
            may_draw_forms=False,
        )
        self._left, self._top = math.ceil(left * self._scale), math.ceil(top * self._scale)
        self._width, self._height, self._stride = bitmap.width, bitmap.height, bitmap.stride
        self._pixels = bytes(bitmap.buffer)

    def shows(self, piece: Line) -> bool:
        """Return whether there is anything to see at its place."""
        left, right = (self._at(x, self._left, self._width) for x in (piece.left - 1, piece.right + 1))
        top, bottom = (self._at(y, self._top, self._height) for y in (piece.top - 1, piece.bottom + 1))
        rows = (self._pixels[y * self._stride + left : y * self._stride + right] for y in range(top, bottom))
        area = b"".join(rows)
        return bool(area) and max(area) - min(area) >= _MIN_CONTRAST

    def _at(self, place: float, start: int, size: int) -> int:
        return min(max(int(place * self._scale) - start, 0), size)
