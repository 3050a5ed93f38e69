"""XML that is a document: paragraphs, titles, tables, notes. Parts of it that are data become records without attributes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.markup import html_tables, xml_data
from engines.parsing.markup.mathml import formula, local_name
from engines.parsing.markup.xml_names import (
    BLOCKS,
    CODE,
    FORMULAS,
    ITEMS,
    LEFT_OUT,
    NOTES,
    PARAGRAPHS,
    SECTIONS,
    TABLES,
    TEXTS,
    TITLES,
)
from engines.parsing.sheets import records

_ROWS = frozenset(("tr", "row", "strow", "sthead"))
_CELLS = {"td": "td", "th": "th", "entry": "td", "cell": "td", "stentry": "td"}
_HEADS = frozenset(("thead", "sthead"))
_PLACE = "\ufffc"  # "object replacement character"
_FIGURES = frozenset("0123456789+-\u2212")
_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def is_document(root: Any) -> bool:
    return any(_name(node) in PARAGRAPHS for node in root.iter())


class DocumentReader:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._documents: set[Any] = set()  # the elements that have paragraphs, titles or tables inside
        for node in root.iter():
            if _name(node) in PARAGRAPHS | TABLES | CODE or xml_data.is_mixed(node):
                self._documents.update(self._new_ancestors(node))
        _show_formulas(root)

    def _new_ancestors(self, node: Any) -> Iterator[Any]:
        for above in node.iterancestors():
            if above in self._documents:
                return
            yield above

    def elements(self) -> Iterator[Element]:
        yield from self._content(self._root, depth=0)

    def _content(self, node: Any, depth: int) -> Iterator[Element]:
        name = _name(node)
        if not name or name in LEFT_OUT:
            return
        if name in TABLES and _is_table(node):
            yield from _table(node)
        elif name in CODE:
            yield element_builders.code("".join(node.itertext()))
        elif name in FORMULAS and node not in self._documents:
            yield Element(ElementKind.FORMULA, xml_data.flow(node))
        elif name in TITLES and node not in self._documents:
            yield element_builders.title(xml_data.flow(node), min(6, max(1, depth)))
        elif name in PARAGRAPHS or xml_data.is_mixed(node):
            yield from self._paragraph(node, depth)
        elif node in self._documents:
            yield from self._inside(node, depth + (name in SECTIONS or name in ("body", "front", "back")))
        else:
            yield from records.elements(xml_data.flow(node))

    def _inside(self, node: Any, depth: int) -> Iterator[Element]:
        """Yield what is in a part of the document: data that stand beside each other are one record."""
        for is_data, children in groupby(node, self._is_data):
            if is_data:
                yield from records.elements(xml_data.merged(xml_data.leaves(children)))
            else:
                for child in children:
                    yield from self._content(child, depth)

    def _is_data(self, node: Any) -> bool:
        """Return whether it is no part of the text: a group of values, or one word that means nothing without its name."""
        name = _name(node)
        is_text = name in TEXTS or node in self._documents or xml_data.is_mixed(node)
        return bool(name) and not is_text and (len(node) > 0 or len((node.text or "").split()) == 1)

    def _paragraph(self, node: Any, depth: int) -> Iterator[Element]:
        """Yield the text, and at their places the tables, lists and formulas in it; and its notes behind it."""
        kind = _kind(node)
        notes = [inner for inner in node.iter() if inner is not node and _name(inner) in NOTES]
        for note in notes:
            note.getparent().replace(note, _mark(note))
        blocks = [inner for inner in node.iter() if inner is not node and _name(inner) in BLOCKS | PARAGRAPHS]
        outer = [block for block in blocks if not any(above in blocks for above in block.iterancestors())]
        if outer:
            for text, block in _divided(node, outer):
                yield from [Element(kind, text)] if text else []
                yield from self._content(block, depth) if block is not None else ()
        else:
            yield Element(kind, xml_data.flow(node))
        for note in notes:
            yield Element(ElementKind.NOTE, xml_data.flow(note))


def _name(node: Any) -> str:
    return local_name(node).lower() if isinstance(node.tag, str) else ""


def _kind(node: Any) -> ElementKind:
    kinds = {"caption": ElementKind.CAPTION, **dict.fromkeys(NOTES, ElementKind.NOTE)}
    kinds |= dict.fromkeys(ITEMS, ElementKind.LIST_ITEM) | dict.fromkeys(FORMULAS, ElementKind.FORMULA)
    around = (kinds[name] for above in (node, *node.iterancestors()) if (name := _name(above)) in kinds)
    return next(around, ElementKind.TEXT)


def _mark(note: Any) -> Any:
    """Return what stands for a note at its place."""
    label = next((inner for inner in note if _name(inner) == "label"), None)
    number = (label.text if label is not None else note.get("label") or note.get("n")) or ""
    mark = note.makeelement("mark")
    mark.text = f"[{number}]" if number.isalnum() else number
    mark.tail, note.tail = note.tail, None
    return mark


def _divided(node: Any, blocks: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the text before each block, and the block; and the text behind the last one."""
    for block in blocks:
        place = block.makeelement("place")
        place.text, place.tail, block.tail = _PLACE, block.tail, None
        block.getparent().replace(block, place)
    texts = xml_data.flow(node).split(_PLACE)
    yield from zip((text.strip() for text in texts), [*blocks, None], strict=True)


def _show_formulas(root: Any) -> None:
    """Write formulas as text, and raised figures above the line."""
    formulas = list(root.iter("{*}math"))
    for node in formulas:
        text, node.tail = formula(node), node.tail
        del node[:]
        node.text = text
    for node in root.iter("{*}sup", "{*}superscript"):
        if not len(node) and node.text and set(node.text) <= _FIGURES:
            node.text = node.text.translate(_SUPERSCRIPTS)
    for node in () if formulas else root.iter("{*}tex-math"):
        node.tag = "formula"
        node.text = (
            (node.text or "").rpartition("\\begin{document}")[2].partition("\\end{document}")[0].strip(" $\n")
        )


def _is_table(node: Any) -> bool:
    return any(_name(inner) in _ROWS for inner in node.iter())


def _table(node: Any) -> Iterator[Element]:
    columns: dict[str, int] = {}
    for inner in node.iter():
        name = _name(inner)
        if name == "colspec" and inner.get("colname"):
            columns[inner.get("colname")] = len(columns)
        elif name in _CELLS:
            inner.tag = "th" if inner.get("role") == "label" else _CELLS[name]
            _set_spans(inner, columns)
        elif name in _ROWS | _HEADS:
            inner.tag = "tr" if name in _ROWS else "thead"
        elif name == "title" and inner.getparent() is node:
            inner.tag = "caption"
    node.tag = "table"
    yield from html_tables.table(node)


def _set_spans(cell: Any, columns: dict[str, int]) -> None:
    """Write the spans of CALS and TEI as those of HTML."""
    first, last = columns.get(cell.get("namest", "")), columns.get(cell.get("nameend", ""))
    if first is not None and last is not None:
        cell.set("colspan", str(last - first + 1))
    if cell.get("morerows", "").isdecimal():
        cell.set("rowspan", str(int(cell.get("morerows")) + 1))
    for own, name in (("cols", "colspan"), ("rows", "rowspan")):
        if cell.get(own):
            cell.set(name, cell.get(own))
