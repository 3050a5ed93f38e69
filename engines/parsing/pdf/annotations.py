"""The annotations of a PDF's pages: values of form fields, comments, text boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

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


def add_annotations(
    blocks: Sequence[Line | Table], document: Any, page: Any, number: int, frame: PageFrame
) -> list[Line | Table]:
    """Return the page's lines with its annotations at their positions: after the line to the left in the same row, otherwise
    after the lowest line above. The document's forms must be initialised."""
    merged = list(blocks)
    lines = [block for block in blocks if isinstance(block, Line)]
    page_text = _without_spaces(" ".join(line.text for line in lines))
    sizes = Counter(line.size for line in lines).most_common(1)
    size = sizes[0][0] if sizes else _DEFAULT_SIZE
    for text, is_field, (left, top, right, bottom) in _annotations(document, page, frame):
        if not is_field and _without_spaces(text) in page_text:
            continue  # comments often repeat what they mark
        middle, index = (top + bottom) / 2, 0
        row = [
            at for at, line in enumerate(merged) if line.top <= middle <= line.bottom and line.left <= left
        ]
        above = [at for at, line in enumerate(merged) if line.bottom <= middle]
        if row:
            index = max(row, key=lambda at: merged[at].left) + 1
        elif above:
            index = max(above, key=lambda at: merged[at].bottom) + 1
        line = Line(text=text, page=number, left=left, right=right, top=top, bottom=bottom, size=size)
        merged.insert(index, line)
    return merged


def _annotations(document: Any, page: Any, frame: PageFrame) -> Iterator[tuple[str, bool, Box]]:
    """Yield the text, whether it is a form field's, and the position."""
    form = document.formenv
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        try:
            subtype = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            if subtype in _WITHOUT_TEXT or pdfium_c.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS:
                continue
            is_field = subtype == pdfium_c.FPDF_ANNOT_WIDGET
            if is_field:
                text = _field_value(annotation, form)
            else:
                text = read_string(pdfium_c.FPDFAnnot_GetStringValue, annotation, b"Contents")
            if text.strip():
                rect = pdfium_c.FS_RECTF()
                pdfium_c.FPDFAnnot_GetRect(annotation, rect)
                box = frame.place_box(
                    rect.left, min(rect.bottom, rect.top), rect.right, max(rect.bottom, rect.top)
                )
                yield text.strip(), is_field, box
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


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
