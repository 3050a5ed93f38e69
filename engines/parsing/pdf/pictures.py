"""Which parts of a page are pictures that may have text, and what is recognised in them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

from engines.parsing.job import Job
from engines.parsing.pages.blocks import Line, Table, overlap_across, overlap_down
from engines.parsing.pdf.drawn_objects import Drawn, drawn_objects
from engines.parsing.pdf.page_frame import Box, PageFrame
from engines.parsing.pictures import ocr

_OCR_DPI = 150
_MAX_OCR_PIXELS = 6_000_000
_MIN_WIDTH, _MIN_HEIGHT = 60.0, 24.0
_MIN_PIXELS = 12_000
_MAX_LETTERS = 150  # more text over a picture: it is a background, or was recognised before
_MAX_PICTURES_ON_PAGE = 4


class Picture(NamedTuple):
    """A place on a page; `identity` is the same for a picture that is drawn again."""

    box: Box
    identity: tuple[int, ...] = ()


def pictures_without_text(page: Any, frame: PageFrame, lines: Sequence[Line]) -> list[Picture]:
    """Return the pictures that are large enough for text, and have little over them."""
    found: list[Picture] = []
    for drawn in drawn_objects(page, frozenset({pdfium_c.FPDF_PAGEOBJ_IMAGE})):
        picture = _picture(drawn, frame)
        if picture and picture not in found and _letters_over(picture.box, lines) <= _MAX_LETTERS:
            found.append(picture)
    largest = sorted(found, key=lambda one: (one.box[0] - one.box[2]) * (one.box[3] - one.box[1]))[
        :_MAX_PICTURES_ON_PAGE
    ]
    return [
        one
        for one in largest
        if not any(_contains(other.box, one.box) for other in largest if other is not one)
    ]


def illegible_part(pieces: Sequence[Line]) -> list[Picture]:
    """Return the part of a page whose letters mean nothing, if there is one, as a picture."""
    if not pieces:
        return []
    left, top = min(piece.left for piece in pieces), min(piece.top for piece in pieces)
    right, bottom = max(piece.right for piece in pieces), max(piece.bottom for piece in pieces)
    return [Picture((left, top, right, bottom), (pieces[0].page, len(pieces)))]


def _picture(drawn: Drawn, frame: PageFrame) -> Picture | None:
    width, height = ctypes.c_uint(), ctypes.c_uint()
    placed = drawn.box(frame)
    if not placed or not pdfium_c.FPDFImageObj_GetImagePixelSize(drawn.handle, width, height):
        return None
    left, top, right, bottom = placed
    box = max(left, 0.0), max(top, 0.0), min(right, frame.width), min(bottom, frame.height)
    pixels = width.value, height.value
    if box[2] - box[0] < _MIN_WIDTH or box[3] - box[1] < _MIN_HEIGHT or pixels[0] * pixels[1] < _MIN_PIXELS:
        return None
    return Picture(box, (*pixels, pdfium_c.FPDFImageObj_GetImageDataRaw(drawn.handle, None, 0)))


def _letters_over(box: Box, lines: Sequence[Line]) -> int:
    return sum(
        len(line.text)
        for line in lines
        if box[0] <= (line.left + line.right) / 2 <= box[2]
        and box[1] <= (line.top + line.bottom) / 2 <= box[3]
    )


def _contains(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def recognise_part(job: Job, page: Any, frame: PageFrame, box: Box, number: int) -> ocr.Recognition:
    """Recognise a part of the page. Annotations are not rendered, because they are added as text."""
    left, top, right, bottom = box
    scale = min(_OCR_DPI / 72, (_MAX_OCR_PIXELS / max((right - left) * (bottom - top), 1.0)) ** 0.5)
    crop = (left, frame.height - bottom, frame.width - right, top)
    bitmap = page.render(scale=scale, crop=crop, rev_byteorder=False, draw_annots=False, may_draw_forms=False)
    recognition = ocr.recognise(job, bitmap.to_numpy()[:, :, :3], number)
    return recognition._replace(blocks=[_on_page(block, left, top, scale) for block in recognition.blocks])


def _on_page(block: Line | Table, left: float, top: float, scale: float) -> Line | Table:
    return replace(
        block,
        left=left + block.left / scale,
        right=left + block.right / scale,
        top=top + block.top / scale,
        bottom=top + block.bottom / scale,
        size=block.size / scale,
    )


def insert_recognised(
    blocks: Sequence[Line | Table], recognised: Sequence[Line | Table]
) -> list[Line | Table]:
    """Insert what was recognised in a picture behind what is above it. What the page also has as text is left out."""
    new = [block for block in recognised if not any(_is_over(block, other) for other in blocks)]
    if not new:
        return list(blocks)
    top = min(block.top for block in new)
    places = (
        at + 1
        for at, block in enumerate(blocks)
        if block.bottom <= top and any(overlap_across(block, other) > 0 for other in new)
    )
    place = max(places, default=0)
    return [*blocks[:place], *new, *blocks[place:]]


def _is_over(block: Line | Table, other: Line | Table) -> bool:
    across, down = overlap_across(block, other), overlap_down(block, other)
    area = min((one.right - one.left) * (one.bottom - one.top) for one in (block, other))
    return across > 0 and down > 0 and across * down > 0.5 * area
