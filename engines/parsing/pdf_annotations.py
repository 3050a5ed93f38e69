"""What lies on a PDF's pages and is no part of them: the values of form fields, remarks, text boxes."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.layout import Line

_UNSEEN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
_WORDLESS = (pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP)
_TICKED = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_CHOSEN = (pdfium_c.FPDF_FORMFIELD_COMBOBOX, pdfium_c.FPDF_FORMFIELD_LISTBOX)
_TICK = "✔"
_USUAL_SIZE = 10.0


def among(lines: Sequence[Line], document: Any, page: Any, number: int) -> list[Line]:
    """The page's lines, and its annotations at their places; `document` has its forms initialised."""
    merged = list(lines)
    known = _squeezed(" ".join(line.text for line in lines))
    sizes = Counter(line.size for line in lines).most_common(1)
    size = sizes[0][0] if sizes else _USUAL_SIZE
    for text, is_field, (left, bottom, right, top) in _annotations(document, page):
        if is_field or _squeezed(text) not in known:  # remarks often repeat what they mark
            line = Line(text=text, page=number, left=left, right=right, top=top, bottom=bottom, size=size)
            merged.insert(_place(merged, line), line)
    return merged


def _annotations(document: Any, page: Any) -> Iterator[tuple[str, bool, tuple[float, float, float, float]]]:
    """Text, whether it is a field's, and place."""
    form, height = document.formenv, page.get_height()
    for at in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        note = pdfium_c.FPDFPage_GetAnnot(page, at)
        try:
            is_field = pdfium_c.FPDFAnnot_GetSubtype(note) == pdfium_c.FPDF_ANNOT_WIDGET
            text = (_field(note, form) if is_field else _remark(note)).strip() if _is_seen(note) else ""
            if text:
                rect = pdfium_c.FS_RECTF()
                pdfium_c.FPDFAnnot_GetRect(note, rect)
                yield text, is_field, (rect.left, height - rect.bottom, rect.right, height - rect.top)
        finally:
            pdfium_c.FPDFPage_CloseAnnot(note)


def _is_seen(note: Any) -> bool:
    if pdfium_c.FPDFAnnot_GetFlags(note) & _UNSEEN:
        return False
    return pdfium_c.FPDFAnnot_GetSubtype(note) not in _WORDLESS


def _remark(note: Any) -> str:
    return _string(lambda *out: pdfium_c.FPDFAnnot_GetStringValue(note, b"Contents", *out))


def _field(note: Any, form: Any) -> str:
    """What has been entered, chosen or ticked."""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, note) if form else pdfium_c.FPDF_FORMFIELD_UNKNOWN
    if kind in _TICKED:
        return _TICK if pdfium_c.FPDFAnnot_IsChecked(form, note) else ""
    if kind in _CHOSEN:
        return ", ".join(_options(note, form))
    if kind == pdfium_c.FPDF_FORMFIELD_TEXTFIELD:
        return _string(lambda *out: pdfium_c.FPDFAnnot_GetFormFieldValue(form, note, *out))
    return ""


def _options(note: Any, form: Any) -> Iterator[str]:
    for at in range(pdfium_c.FPDFAnnot_GetOptionCount(form, note)):
        if pdfium_c.FPDFAnnot_IsOptionSelected(form, note, at):
            yield _string(lambda *out, at=at: pdfium_c.FPDFAnnot_GetOptionLabel(form, note, at, *out))


def _string(get: Callable[..., int]) -> str:
    """pdfium says how long a string is, then writes it."""
    size = get(None, 0)
    space = ctypes.create_string_buffer(size + 2)
    get(ctypes.cast(space, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return space.raw[:size].decode("utf-16-le", "replace").rstrip("\0")


def _place(lines: Sequence[Line], new: Line) -> int:
    """After what stands left of it in its row; otherwise after the lowest line above it."""
    middle = (new.top + new.bottom) / 2
    row = [at for at, line in enumerate(lines) if line.top <= middle <= line.bottom and line.left <= new.left]
    if row:
        return max(row, key=lambda at: lines[at].left) + 1
    above = [at for at, line in enumerate(lines) if line.bottom <= middle]
    return max(above, key=lambda at: lines[at].bottom) + 1 if above else 0


def _squeezed(text: str) -> str:
    return "".join(text.split())
