"""White and invisible text: it is seen only where something else is drawn, such as the scan that it was recognised in."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.blocks import Line
from engines.parsing.pdf.page_frame import PageFrame

_MIN_WHITE = 250
_MAX_PIXELS = 2_000_000
_MIN_CONTRAST = 8


def may_be_unseen(layer: Any, index: int) -> bool:
    """Return whether a letter is not drawn, or filled with white, for which pdfium takes patterns, too."""
    mode = pdfium_c.FPDFTextObj_GetTextRenderMode(pdfium_c.FPDFText_GetTextObject(layer, index))
    if mode in (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP):
        return True
    red, green, blue, opacity = (ctypes.c_uint() for _ in range(4))
    if not pdfium_c.FPDFText_GetFillColor(layer, index, red, green, blue, opacity):
        return False
    return min(red.value, green.value, blue.value) >= _MIN_WHITE


def without_unseen(pieces: Sequence[Line], page: Any, frame: PageFrame) -> list[Line]:
    """Leave out the pieces that may be unseen and cannot be told from what is around them."""
    if not any(piece.may_be_unseen for piece in pieces):
        return list(pieces)
    scale = min(1.0, (_MAX_PIXELS / max(frame.width * frame.height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True, draw_annots=False, may_draw_forms=False)
    pixels = bytes(bitmap.buffer)
    return [piece for piece in pieces if not piece.may_be_unseen or _is_seen(piece, pixels, bitmap, scale)]


def _is_seen(piece: Line, pixels: bytes, bitmap: Any, scale: float) -> bool:
    left, right = (min(max(int(x * scale), 0), bitmap.width) for x in (piece.left - 1, piece.right + 1))
    top, bottom = (min(max(int(y * scale), 0), bitmap.height) for y in (piece.top - 1, piece.bottom + 1))
    area = b"".join(pixels[y * bitmap.stride + left : y * bitmap.stride + right] for y in range(top, bottom))
    return bool(area) and max(area) - min(area) >= _MIN_CONTRAST
