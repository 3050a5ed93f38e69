"""PDF: the text layer with its pages and titles, and OCR of the pages without one."""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from engines.parsing import ParsedDocument, ParseError, ocr
from engines.parsing.job import Job
from engines.parsing.layout import Line, elements
from engines.parsing.pdf_annotations import add_annotations

_OCR_DPI = 150
_MAX_OCR_PIXELS = 6_000_000
_MAX_PAGES = 10_000
_MIN_LETTERS = 12
_GRAPHICS = (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_SHADING)
_METADATA_NAMES = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "CreationDate": "created",
    "ModDate": "modified",
}
_ASCENT, _DESCENT = 0.75, 0.25
_FORCE_BOLD = 1 << 18
_BOLD_FONT = re.compile(r"bold|black|heavy|medi|demi|CMBX", re.I)
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")


def read(job: Job) -> ParsedDocument:
    document = _open(job.path)
    try:
        document.init_forms()
    except pdfium.PdfiumError as error:
        raise ParseError("corrupt_file", type="PDF") from error
    if len(document) > _MAX_PAGES:
        raise ParseError("too_many_pages", pages=len(document), limit=_MAX_PAGES)
    try:
        lines = _read_lines(document, job)
        properties = document.get_metadata_dict().items()
        metadata: dict[str, Any] = {
            _METADATA_NAMES[key]: _iso_date(value) for key, value in properties if key in _METADATA_NAMES
        }
        metadata["page_count"] = len(document)
    finally:
        document.close()
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(lines)), metadata=metadata)


def _open(path: Path) -> pdfium.PdfDocument:
    """By this very path: the class would look for another name of the file, which may have none."""
    raw = pdfium_c.FPDF_LoadDocument(f"{path}\0".encode(), None)
    if pdfium_c.FPDF_GetPageCount(raw) > 0:
        return pdfium.PdfDocument(raw)
    if pdfium_c.FPDF_GetLastError() == pdfium_c.FPDF_ERR_PASSWORD:
        raise ParseError("password_protected")
    raise ParseError("corrupt_file", type="PDF")


def _read_lines(document: Any, job: Job) -> Iterable[Line]:
    """Read the text layers of all pages before the first OCR, so that the number of scanned pages is known. Those are the
    pages whose characters are unreadable, and the ones with graphics and nearly no text."""
    pages: dict[int, list[Line]] = {}
    scanned: list[int] = []
    for number, page in _open_pages(document, range(1, len(document) + 1)):
        lines = list(_text_lines(page, number))
        letters = "".join("".join(line.text.split()) for line in lines)
        is_readable = sum(map(str.isprintable, letters)) * 2 >= len(letters)
        graphics = page.get_objects(filter=_GRAPHICS, max_depth=4)
        if not is_readable or (len(letters) < _MIN_LETTERS and any(True for _ in graphics)):
            scanned.append(number)
        pages[number] = add_annotations(lines, document, page, number)
    ocr.check_pages(job, len(scanned))
    for number, page in _open_pages(document, scanned):
        # Annotations are not rendered, because they are added as text.
        width, height = page.get_size()
        scale = min(_OCR_DPI / 72, (_MAX_OCR_PIXELS / max(width * height, 1.0)) ** 0.5)
        bitmap = page.render(scale=scale, rev_byteorder=False, draw_annots=False, may_draw_forms=False)
        lines = ocr.recognise(job, bitmap.to_numpy()[:, :, :3], number)
        if lines:
            pages[number] = add_annotations(lines, document, page, number)
    return chain.from_iterable(pages.values())


def _open_pages(document: Any, numbers: Iterable[int]) -> Iterator[tuple[int, Any]]:
    """Skip the pages that cannot be opened."""
    for number in numbers:
        with contextlib.suppress(pdfium.PdfiumError):
            page = document[number - 1]
            yield number, page
            page.close()


def _text_lines(page: Any, number: int) -> Iterator[Line]:
    """Yield pdfium's own lines, in the order of the file, which keeps columns apart."""
    layer = page.get_textpage()
    try:
        # One character for each of pdfium's, so that offsets are its indexes.
        codes = (pdfium_c.FPDFText_GetUnicode(layer, index) for index in range(layer.count_chars()))
        content = "".join(
            "\n" if code in (10, 13) else chr(code) if 0 < code < 0x110000 else " " for code in codes
        )
        start, height = 0, page.get_height()
        for text in content.split("\n"):
            if text.strip():
                yield _positioned_line(layer, text, start, number, height)
            start += len(text) + 1
    finally:
        layer.close()


def _positioned_line(layer: Any, text: str, start: int, number: int, page_height: float) -> Line:
    """Position the line by its baseline, which does not depend on its letters."""
    first = start + len(text) - len(text.lstrip())
    last = start + len(text.rstrip()) - 1
    middle = next(
        index for index in range((first + last) // 2, last + 1) if not text[index - start].isspace()
    )
    size, is_upright, is_bold = _font(layer, middle)
    left, baseline = _origin(layer, first)
    _, last_baseline = _origin(layer, last)  # differs if a divided word makes one line of two
    box = [ctypes.c_double() for _ in ("left", "right", "bottom", "top")]
    pdfium_c.FPDFText_GetCharBox(layer, last, *box)
    return Line(
        text=text,
        page=number,
        left=left,
        right=max(left, box[1].value),
        top=page_height - baseline - size * _ASCENT,
        bottom=page_height - min(baseline, last_baseline) + size * _DESCENT,
        size=size if is_upright else 0.0,  # vertical text in the margin is no title
        bold=is_upright and is_bold,
    )


def _origin(layer: Any, index: int) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDFText_GetCharOrigin(layer, index, x, y)
    return x.value, y.value


def _font(layer: Any, index: int) -> tuple[float, bool, bool]:
    """Return the font size on the page, which many files set by a matrix, whether the letters are upright, and whether
    they are bold by the font's flag or name."""
    size, matrix = pdfium_c.FPDFText_GetFontSize(layer, index), pdfium_c.FS_MATRIX()
    is_upright = True
    if pdfium_c.FPDFText_GetMatrix(layer, index, matrix):
        size *= float((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0
        is_upright = abs(matrix.d) >= abs(matrix.c)
    flags, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    pdfium_c.FPDFText_GetFontInfo(layer, index, name, len(name), flags)
    is_bold = flags.value & _FORCE_BOLD or _BOLD_FONT.search(name.value.decode("utf-8", "replace"))
    return round(size, 1), is_upright, bool(is_bold)


def _iso_date(value: str) -> str:
    """Return a PDF date in ISO format, and any other value as it is."""
    date = _DATE.match(value)
    if not date:
        return value
    year, month, day, *clock = (part or "" for part in date.groups())
    day_text = f"{year}-{month or '01'}-{day or '01'}"
    return f"{day_text}T{':'.join(part or '00' for part in clock)}" if clock[0] else day_text
