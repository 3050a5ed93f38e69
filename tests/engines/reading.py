"""Files for tests of the parser, and views of parsed documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from engines.parsing import ParsedDocument

Read = Callable[..., ParsedDocument]


def texts(document: ParsedDocument) -> str:
    return "\n".join(element.text for element in document.elements)


def outline(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(str(element.kind), element.text) for element in document.elements]


def pdf(
    content: bytes, *objects: bytes, page: bytes = b"", font: bytes = b"", resources: bytes = b""
) -> bytes:
    """Return a PDF with one page that draws `content`. `page`, `font` and `resources` are added to their dictionaries;
    `objects` are numbered from 6."""
    field_references = b" ".join(b"%d 0 R" % at for at, text in enumerate(objects, 6) if b"/FT" in text)
    pdf_objects = (
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DA(/F 10 Tf)/DR<</Font<</F 5 0 R>>>>>>>>"
        % field_references,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 400 400]/Resources<</Font<</F 5 0 R>>%s>>%s>>"
        % (resources, page),
        stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%s>>" % font,
        *objects,
    )
    return _pdf_file(pdf_objects)


def pdf_pages(*contents: bytes, page: bytes = b"/MediaBox[0 0 400 400]", catalog: bytes = b"") -> bytes:
    """Return a PDF with a page for each content, in Helvetica (F) and its bold letters (B)."""
    numbers = range(5, 5 + 2 * len(contents), 2)
    resources = b"/Resources<</Font<</F 3 0 R/B 4 0 R>>>>"
    pdf_objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(b"%d 0 R" % at for at in numbers), len(contents)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    ]
    for number, content in zip(numbers, contents, strict=True):
        pdf_objects.append(b"<</Type/Page/Parent 2 0 R/Contents %d 0 R%s%s>>" % (number + 1, page, resources))
        pdf_objects.append(stream(content))
    return _pdf_file(pdf_objects)


def drawn(x: float, y: float, text: str, size: float = 10, font: str = "F") -> bytes:
    """Return what draws the text with its baseline at this place, from the left and the bottom."""
    escaped = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"BT /%s %g Tf %g %g Td (%s) Tj ET\n" % (font.encode(), size, x, y, escaped)


def rows_of_cells(*rows: tuple[str, ...], top: float = 300, width: float = 80, pitch: float = 18) -> bytes:
    return b"".join(
        drawn(40 + width * column, top - pitch * row, text)
        for row, cells in enumerate(rows)
        for column, text in enumerate(cells)
        if text
    )


def grid(columns: list[int], rows: list[int]) -> bytes:
    """Return what draws lines at these places."""
    across = b"".join(b"%d %d m %d %d l S\n" % (columns[0], y, columns[-1], y) for y in rows)
    return across + b"".join(b"%d %d m %d %d l S\n" % (x, rows[0], x, rows[-1]) for x in columns)


def repeated_page_pdf(pages: int, content: bytes) -> bytes:
    """Return a small PDF that repeats one page."""
    pdf_objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (b"3 0 R " * pages, pages),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 900 900]/Resources<</Font<</F 5 0 R>>>>>>",
        stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    return _pdf_file(pdf_objects)


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (at, text) for at, text in enumerate(objects, 1))
    return b"%%PDF-1.7\n%strailer<</Size %d/Root 1 0 R>>\n%%%%EOF" % (body, len(objects) + 1)


def stream(content: bytes) -> bytes:
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def text_image(words: str) -> Image.Image:
    image = Image.new("RGB", (500, 500), "white")
    ImageDraw.Draw(image).text((20, 200), words, fill="black", font=ImageFont.load_default(48))
    return image


def image_file(format: str, images: Sequence[Image.Image]) -> bytes:
    """Return a file with one image per page. As a PDF, it is like a scan."""
    out = io.BytesIO()
    options = {"save_all": True, "append_images": list(images[1:])} if len(images) > 1 else {}
    images[0].save(out, format, resolution=150, **options)
    return out.getvalue()
