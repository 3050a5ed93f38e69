"""PDF: the text layer with its pages and headings; a page without one is recognised from its picture."""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from engines.parsing import ParsedDocument, ParseError, ocr, pdf_annotations
from engines.parsing.job import Job
from engines.parsing.layout import Line, elements

_OCR_DPI = 150
_MOST_PIXELS = 6_000_000
_MOST_PAGES = 10_000
_FEW_LETTERS = 12
_NAMES = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "CreationDate": "created",
    "ModDate": "modified",
}
_ASCENT, _DESCENT = 0.75, 0.25
_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(r"bold|black|heavy|medi|demi|CMBX", re.I)
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")


def read(job: Job) -> ParsedDocument:
    document = _open(job)
    try:
        lines = list(_lines(document, job))
        metadata = _metadata(document)
    finally:
        document.close()
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(lines)), metadata=metadata)


def _open(job: Job) -> Any:
    try:
        document = pdfium.PdfDocument(job.path)
        document.init_forms()
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise ParseError("password_protected") from error
        raise ParseError("corrupt_file", type="PDF") from error
    if len(document) > _MOST_PAGES:
        raise ParseError("too_many_pages", pages=len(document), limit=_MOST_PAGES)
    return document


def _lines(document: Any, job: Job) -> Iterable[Line]:
    """First the written pages of the whole file, then the scanned ones: so it is known how many those are."""
    pages: dict[int, list[Line]] = {}
    scanned: list[int] = []
    for number, page in _pages(document, range(1, len(document) + 1)):
        pages[number] = list(_text_lines(page, number))
        if _is_scanned(page, pages[number]):
            scanned.append(number)
        pages[number] = pdf_annotations.among(pages[number], document, page, number)
    ocr.check_pages(job, len(scanned))
    for number, page in _pages(document, scanned):
        found = ocr.lines(job, _picture(page), number)
        pages[number] = pdf_annotations.among(found, document, page, number) if found else pages[number]
    return chain.from_iterable(pages.values())


def _pages(document: Any, numbers: Iterable[int]) -> Iterator[tuple[int, Any]]:
    """Those that can be opened."""
    for number in numbers:
        with contextlib.suppress(pdfium.PdfiumError):
            page = document[number - 1]
            yield number, page
            page.close()


def _text_lines(page: Any, number: int) -> Iterator[Line]:
    """pdfium's own lines, in the order of the file, which keeps columns apart."""
    layer = page.get_textpage()
    try:
        start, height = 0, page.get_height()
        for text in _content(layer).split("\n"):
            if text.strip():
                yield _placed(layer, text, start, number, height)
            start += len(text) + 1
    finally:
        layer.close()


def _content(layer: Any) -> str:
    """One character for each of pdfium's, so that offsets are its indexes."""
    count = layer.count_chars()
    return "".join(_character(pdfium_c.FPDFText_GetUnicode(layer, at)) for at in range(count))


def _character(code: int) -> str:
    return "\n" if code in (10, 13) else chr(code) if 0 < code < 0x110000 else " "


def _placed(layer: Any, text: str, start: int, number: int, height: float) -> Line:
    """The line's place by its baseline, so that letters with tails do not move it."""
    first = start + len(text) - len(text.lstrip())
    last = start + len(text.rstrip()) - 1
    half = (first + last) // 2
    middle = next(at for at in range(half, last + 1) if not text[at - start].isspace())
    size, is_upright = _size(layer, middle)
    left, baseline = _origin(layer, first)
    _, last_baseline = _origin(layer, last)  # a divided word makes one line of two
    return Line(
        text=text,
        page=number,
        left=left,
        right=max(left, _right(layer, last)),
        top=height - baseline - size * _ASCENT,
        bottom=height - min(baseline, last_baseline) + size * _DESCENT,
        size=size if is_upright else 0.0,  # marks along the margin are no titles
        bold=is_upright and _is_bold(layer, middle),
    )


def _origin(layer: Any, at: int) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDFText_GetCharOrigin(layer, at, x, y)
    return x.value, y.value


def _right(layer: Any, at: int) -> float:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium_c.FPDFText_GetCharBox(layer, at, left, right, bottom, top)
    return right.value


def _is_bold(layer: Any, at: int) -> bool:
    """By the font's flag or its name."""
    flags, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    pdfium_c.FPDFText_GetFontInfo(layer, at, name, len(name), flags)
    return (
        bool(flags.value & _FORCE_BOLD)
        or _BOLD_NAME.search(name.value.decode("utf-8", "replace")) is not None
    )


def _size(layer: Any, at: int) -> tuple[float, bool]:
    """The letters' size on the page, which many files set by a matrix, and whether they stand upright."""
    size, matrix = pdfium_c.FPDFText_GetFontSize(layer, at), pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFText_GetMatrix(layer, at, matrix):
        return round(size, 1), True
    scale = float((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0
    return round(size * scale, 1), abs(matrix.d) >= abs(matrix.c)


def _is_scanned(page: Any, lines: list[Line]) -> bool:
    """Or written in letters of which the file does not say what they mean."""
    signs = "".join("".join(line.text.split()) for line in lines)
    is_unreadable = sum(map(str.isprintable, signs)) * 2 < len(signs)
    return is_unreadable or (len(signs) < _FEW_LETTERS and _has_picture(page))


def _has_picture(page: Any) -> bool:
    """Whether anything is drawn at all: blank pages are not sent to recognition."""
    kinds = (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_SHADING)
    return any(True for _ in page.get_objects(filter=kinds, max_depth=4))


def _picture(page: Any) -> Any:
    """The page as blue, green and red, as large as recognition needs it, without what lies upon it."""
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, rev_byteorder=False, draw_annots=False, may_draw_forms=False)
    return bitmap.to_numpy()[:, :, :3]


def _metadata(document: Any) -> dict[str, Any]:
    found = {_NAMES[name]: value for name, value in document.get_metadata_dict().items() if name in _NAMES}
    return {name: _date(value) for name, value in found.items()} | {"page_count": len(document)}


def _date(value: str) -> str:
    found = _DATE.match(value)
    if not found:
        return value
    year, month, day, *clock = (part or "" for part in found.groups())
    moment = f"{year}-{month or '01'}-{day or '01'}"
    return f"{moment}T{':'.join(part or '00' for part in clock)}" if clock[0] else moment
