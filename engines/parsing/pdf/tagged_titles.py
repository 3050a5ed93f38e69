"""The titles that a tagged PDF says to be some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing.pdf.strings import read_string

_TITLE = re.compile(r"H([1-6])?|Title")
_MAX_ELEMENTS = 20_000
_MAX_DEPTH = 40


def title_levels(document: Any, page: Any) -> dict[int, int]:
    """Return the levels of titles by the ids of the content that is marked as such."""
    if not pdfium_c.FPDFCatalog_IsTagged(document):
        return {}
    tree = pdfium_c.FPDF_StructTree_GetForPage(page)
    if not tree:
        return {}
    try:
        levels = dict[int, int]()
        for index in range(pdfium_c.FPDF_StructTree_CountChildren(tree)):
            levels |= dict(_marked(pdfium_c.FPDF_StructTree_GetChildAtIndex(tree, index), 0, 0))
        return levels
    finally:
        pdfium_c.FPDF_StructTree_Close(tree)


def _marked(element: Any, level: int, depth: int) -> Iterator[tuple[int, int]]:
    """Yield the marked content of the titles among an element and what is in it."""
    if not element or depth > _MAX_DEPTH:
        return
    if match := _TITLE.fullmatch(read_string(pdfium_c.FPDF_StructElement_GetType, element)):
        level = int(match.group(1) or 1)
    for index in range(min(pdfium_c.FPDF_StructElement_CountChildren(element), _MAX_ELEMENTS)):
        content = pdfium_c.FPDF_StructElement_GetChildMarkedContentID(element, index)
        if level and content >= 0:
            yield content, level
        yield from _marked(pdfium_c.FPDF_StructElement_GetChildAtIndex(element, index), level, depth + 1)
