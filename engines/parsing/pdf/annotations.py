"""The annotations of a PDF's pages: values of form fields, text boxes, comments, attached files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.blocks import Line, Table
from engines.parsing.pdf.page_frame import Box, PageFrame
from engines.parsing.pdf.strings import read_string

_HIDDEN_FLAGS = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
_WITHOUT_TEXT = (pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP)
_CHECKABLE = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_SELECTABLE = (pdfium_c.FPDF_FORMFIELD_COMBOBOX, pdfium_c.FPDF_FORMFIELD_LISTBOX)
_CHECK_MARK = "✔"
_DEFAULT_SIZE = 10.0


class _Annotation(NamedTuple):
    """`author` is known of comments. What is neither a form field nor a comment is a part of the page's text."""

    text: str
    box: Box
    is_field: bool
    is_comment: bool
    author: str = ""


def add_annotations(
    blocks: Sequence[Line | Table], document: Any, page: Any, number: int, frame: PageFrame
) -> list[Line | Table]:
    """Return the page's blocks with its annotations at their positions: after the line to the left in the same row, or
    after the lowest line above. The document's forms must be initialised."""
    merged = list(blocks)
    lines = [block for block in blocks if isinstance(block, Line)]
    page_text = _without_spaces(" ".join(line.text for line in lines))
    sizes = Counter(line.size for line in lines).most_common(1)
    size = sizes[0][0] if sizes else _DEFAULT_SIZE
    for annotation in _annotations(document, page, frame):
        if not annotation.is_field and _without_spaces(annotation.text) in page_text:
            continue  # comments often repeat what they mark
        left, top, right, bottom = annotation.box
        line = Line(
            text=annotation.text, page=number, left=left, right=right, top=top, bottom=bottom, size=size
        )
        if annotation.is_comment:
            by_author = f"Comment by {annotation.author}: " if annotation.author else ""
            line = replace(line, text=by_author + annotation.text, is_comment=True)
        merged.insert(_place_of(line, merged), line)
    return merged


def _place_of(line: Line, blocks: Sequence[Line | Table]) -> int:
    middle = (line.top + line.bottom) / 2
    row = [at for at, one in enumerate(blocks) if one.top <= middle <= one.bottom and one.left <= line.left]
    if row:
        return max(row, key=lambda at: blocks[at].left) + 1
    above = [at for at, one in enumerate(blocks) if one.bottom <= middle]
    return max(above, key=lambda at: blocks[at].bottom) + 1 if above else 0


def _annotations(document: Any, page: Any, frame: PageFrame) -> Iterator[_Annotation]:
    for handle, subtype in _visible(page):
        is_field = subtype == pdfium_c.FPDF_ANNOT_WIDGET
        text = _field_value(handle, document.formenv) if is_field else _string(handle, b"Contents")
        if text.strip() and subtype not in _WITHOUT_TEXT:
            rect = pdfium_c.FS_RECTF()
            pdfium_c.FPDFAnnot_GetRect(handle, rect)
            bottom, top = sorted((rect.bottom, rect.top))
            yield _Annotation(
                text.strip(),
                frame.place_box(rect.left, bottom, rect.right, top),
                is_field,
                is_comment=not is_field and subtype != pdfium_c.FPDF_ANNOT_FREETEXT,
                author=_string(handle, b"T").strip(),
            )


def attached_files(page: Any) -> Iterator[Any]:
    """Yield pdfium's handles of the files that are attached to places on the page."""
    for handle, subtype in _visible(page):
        if subtype == pdfium_c.FPDF_ANNOT_FILEATTACHMENT and (
            attachment := pdfium_c.FPDFAnnot_GetFileAttachment(handle)
        ):
            yield attachment


def _visible(page: Any) -> Iterator[tuple[Any, int]]:
    """Yield the annotations that are not hidden, and their kinds."""
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        try:
            if not pdfium_c.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS:
                yield annotation, pdfium_c.FPDFAnnot_GetSubtype(annotation)
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


def _string(annotation: Any, key: bytes) -> str:
    return read_string(pdfium_c.FPDFAnnot_GetStringValue, annotation, key)


def _field_value(annotation: Any, form: Any) -> str:
    """Return what has been entered, selected or checked."""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation) if form else pdfium_c.FPDF_FORMFIELD_UNKNOWN
    if kind in _CHECKABLE:
        return _CHECK_MARK if pdfium_c.FPDFAnnot_IsChecked(form, annotation) else ""
    if kind in _SELECTABLE:
        return ", ".join(
            read_string(pdfium_c.FPDFAnnot_GetOptionLabel, form, annotation, index)
            for index in range(pdfium_c.FPDFAnnot_GetOptionCount(form, annotation))
            if pdfium_c.FPDFAnnot_IsOptionSelected(form, annotation, index)
        )
    if kind == pdfium_c.FPDF_FORMFIELD_TEXTFIELD:
        return read_string(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation)
    return ""


def _without_spaces(text: str) -> str:
    return "".join(text.split())
