"""Elements from office-oxide's tree of a Word file, new or old, with the marks that were written into its text."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.office import tree as office_tree
from engines.parsing.office.tree import Node
from engines.parsing.word.old_numbering import Labels, text_key
from engines.parsing.word.xml import Mark

_KINDS = {
    Mark.TITLE: ElementKind.TITLE,
    Mark.ITEM: ElementKind.LIST_ITEM,
    Mark.CAPTION: ElementKind.CAPTION,
    Mark.CODE: ElementKind.CODE,
}
_PART = re.compile(f"{Mark.PART}([^{Mark.END}]*){Mark.END}")
_FORMULA = re.compile(f"{Mark.FORMULA}([^{Mark.FORMULA}]*){Mark.FORMULA}")
_ONLY_FORMULAS = re.compile(rf"\s*(?:{_FORMULA.pattern}\s*)+")
_MARKS = str.maketrans("", "", "".join(mark for mark in Mark if mark is not Mark.PAGE))
_TYPED_BULLET = re.compile(r"^\s*[•▪◦‣·●○■□\uf0b7\uf0a7]\s+(?=\S)")
_STRUCTURE = re.compile(r"[\\^_{]")
_CODE_FONTS = ("courier", "consolas", "menlo", "monaco", "lucida console", "source code", "dejavu sans mono")
_CODE_SIGNS = re.compile(r"^\s{2,}\S|[{}]|[;{]\s*$|\w\([^ ]*\)|\w = \S")

ReadPart = Callable[[str | bytes], Iterable[Element]]


def elements(tree: Node, read_part: ReadPart, labels: Labels | None = None) -> tuple[list[Element], int]:
    """Return the elements, with pages as far as breaks are known, and the number of the last page. `read_part` reads what
    else is shown, such as a picture: a part of the file by its name, or bytes. `labels` are those of an old document."""
    writer = _Writer(tree, read_part, labels or {})
    for section in tree["sections"]:
        writer.section(section)
    writer.rest()
    return writer.elements, writer.page


def _is_comment(block: Node) -> bool:
    return "author" in block or str(block.get("marker") or "").startswith("Comment")


class _Writer:
    def __init__(self, tree: Node, read_part: ReadPart, labels: Labels) -> None:
        self.elements: list[Element] = []
        self.page = 1
        # In the old format the library takes short lines without small letters for headings, figures among them.
        self._is_guessing = tree["metadata"]["format"] == "doc"
        self._read_part, self._labels = read_part, labels
        self._repeated: set[str] = set()
        self._notes: dict[tuple[str, int], Node] = {}
        for section in tree["sections"]:
            for block in section["elements"]:
                if block["type"] in ("footnote", "endnote"):
                    kind = "comment" if _is_comment(block) else block["type"]
                    self._notes[kind, block.get("id") or 0] = block

    def section(self, section: Node) -> None:
        first = next(filter(None, map(office_tree.block_text, section["elements"])), "")
        page = self.page + first.startswith(Mark.PAGE)
        for name in ("first_page_header", "header", "even_page_header"):
            self._repeat(ElementKind.HEADER, section.get(name), page)
        self._blocks(section["elements"])
        for name in ("first_page_footer", "footer", "even_page_footer"):
            self._repeat(ElementKind.FOOTER, section.get(name), self.page)

    def rest(self) -> None:
        """Write the notes to which no mark led."""
        for key in list(self._notes):
            self._write_note(key)

    def _repeat(self, kind: ElementKind, part: Node | None, page: int) -> None:
        """Write a header or footer, once for all sections that have it."""
        lines = (_readable(office_tree.block_text(block)) for block in (part or {}).get("content") or ())
        text = "\n".join(line.strip() for line in lines if line.strip()).replace(Mark.PAGE, "")
        if text and text not in self._repeated:
            self._repeated.add(text)
            self.elements.append(Element(kind=kind, text=text, page=page))

    def _blocks(self, blocks: Iterable[Node]) -> None:
        for block in blocks:
            kind = block["type"]
            if kind in ("paragraph", "heading"):
                self._paragraph(block, label=self._label(block))
            elif kind == "list":
                self._list(block)
            elif kind == "table":
                self._table(block)
            elif kind == "code_block":
                self._add(ElementKind.CODE, block["content"])
            elif kind == "page_break":
                self.page += 1
            elif kind == "image":
                self._follow([block], ())
            elif kind not in ("footnote", "endnote"):
                self._blocks(block.get("content") or ())

    def _paragraph(self, node: Node, kind: ElementKind | None = None, label: str = "") -> None:
        content = node.get("content") or []
        text = label + office_tree.inline_text(content)
        names = _PART.findall(text)
        text = _PART.sub("", text)
        level = node["level"] if node["type"] == "heading" else 1
        kind = kind or self._kind(node, text)
        has_begun = False
        for number, piece in enumerate(
            _readable(text, is_formula=kind is ElementKind.FORMULA).split(Mark.PAGE)
        ):
            self.page += number > 0
            if piece.strip():
                self._add(kind, piece, level, continues=has_begun)
                has_begun = True
        self._follow(content, names)

    def _kind(self, node: Node, text: str) -> ElementKind:
        if node["type"] == "heading" and not (self._is_guessing and not any(map(str.isalpha, text))):
            return ElementKind.TITLE
        if _ONLY_FORMULAS.fullmatch(text):
            return ElementKind.FORMULA
        if _TYPED_BULLET.match(text):
            return ElementKind.LIST_ITEM
        marked = next((kind for mark, kind in _KINDS.items() if mark in text), None)
        return marked or (ElementKind.CODE if self._is_code(node, text) else ElementKind.TEXT)

    def _is_code(self, node: Node, text: str) -> bool:
        """Code is in letters of one width, and has signs of code, or code before it."""
        spans = [
            span for span in node.get("content") or () if span["type"] == "text" and span["text"].strip()
        ]
        fonts = [str(span.get("font_name") or "").lower() for span in spans]
        follows_code = bool(self.elements) and self.elements[-1].kind is ElementKind.CODE
        has_one_width = bool(fonts) and all(font.startswith(_CODE_FONTS) for font in fonts)
        return has_one_width and (follows_code or bool(_CODE_SIGNS.search(text)))

    def _add(self, kind: ElementKind, text: str, level: int = 1, *, continues: bool = False) -> None:
        last = self.elements[-1] if self.elements else None
        if kind is ElementKind.TITLE:
            self.elements.append(element_builders.title(text, level, self.page))
        elif kind is ElementKind.CODE and last and (last.kind, last.page) == (kind, self.page):
            self.elements[-1] = last._replace(text=f"{last.text}\n{text}")
        else:
            text = text if kind is ElementKind.CODE else text.strip()
            text = _TYPED_BULLET.sub("", text) if kind is ElementKind.LIST_ITEM else text
            self.elements.append(Element(kind=kind, text=text, page=self.page, continues=continues))

    def _list(self, node: Node) -> None:
        for number, item in enumerate(node["items"], node.get("start_number") or 1):
            label = f"{number}. " if node.get("ordered") else ""
            for block in item.get("content") or ():
                if block["type"] == "paragraph":
                    self._paragraph(block, ElementKind.LIST_ITEM, self._label(block, label))
                    label = ""
                else:
                    self._blocks([block])
            if item.get("nested"):
                self._list(item["nested"])

    def _label(self, block: Node, otherwise: str = "") -> str:
        """Return what stands before a paragraph of an old document."""
        text = office_tree.inline_text(block.get("content") or ())
        known = self._labels.get(text_key(text)) if self._labels else None
        if not known:
            return otherwise if text.strip() else ""
        label = known.pop(0)
        return f"{label} " if label else ""

    def _table(self, node: Node) -> None:
        """A table with one cell in each row, or with text in one cell alone, is a frame around what it holds."""
        cells = [cell for row in node["rows"] for cell in row["cells"]]
        full = sum(bool(office_tree.cell_text(cell)) for cell in cells)
        if full <= 1 or all(len(row["cells"]) <= 1 for row in node["rows"]):
            for cell in cells:
                self._blocks(cell.get("content") or ())
            return
        names: list[str] = []

        def text_of(cell: Node) -> str:
            text = office_tree.cell_text(cell)
            names.extend(_PART.findall(text))
            return _readable(_PART.sub("", text))

        self._split_table(office_tree.table(node, text_of=text_of))
        self._follow(_inline_nodes(node), names)

    def _split_table(self, table: Element) -> None:
        """Write a table's rows on the pages where they begin, each time below the header."""
        pages: dict[int, list[str]] = {}
        header: list[str] = []
        has_crossed = False
        for number, line in enumerate(table.text.split("\n")):
            begins_page, crossed = _breaks_of_row(line.split(" | "))
            self.page += begins_page and not has_crossed
            text = line.replace(Mark.PAGE, "")
            if number < table.header_rows:
                header.append(text)
            elif text.strip(" |"):
                pages.setdefault(self.page, []).append(text)
            self.page += crossed
            has_crossed = crossed > 0
        if not pages and any(line.strip(" |") for line in header):  # a form whose rows are to be filled
            pages[self.page] = []
        for number, (page, rows) in enumerate(pages.items()):
            self.elements.append(
                table._replace(text="\n".join(header + rows), page=page, continues=number > 0)
            )

    def _follow(self, content: Iterable[Node], names: Iterable[str]) -> None:
        """Write what belongs behind an element: notes and comments whose marks are in it, pictures, and other parts."""
        for part in content:
            kind, separator, _ = part["type"].partition("_ref")
            if separator:
                self._write_note((kind, part.get("note_id") or part.get("comment_id") or 0))
            elif kind == "image" and part.get("data"):
                self._show([b64decode(part["data"])])
        self._show(names)

    def _show(self, parts: Iterable[str | bytes]) -> None:
        for part in parts:
            self.elements += [element._replace(page=self.page) for element in self._read_part(part)]

    def _write_note(self, key: tuple[str, int]) -> None:
        note = self._notes.pop(key, None)
        if note is None:
            return
        blocks = note.get("content") or ()
        text = _readable(_PART.sub("", office_tree.joined(blocks))).replace(Mark.PAGE, "").strip()
        if text and key[0] == "comment":
            author = str(note.get("author") or "")
            text = f"Comment by {author}: {text}" if author else f"Comment: {text}"
            self.elements.append(Element(kind=ElementKind.COMMENT, text=text, page=self.page))
        elif text:
            self.elements.append(Element(kind=ElementKind.NOTE, text=text, page=self.page))


def _breaks_of_row(cells: list[str]) -> tuple[bool, int]:
    """Return whether the row begins a page, and how often it runs over to one. Word marks each cell that runs over, the cell
    behind it, which begins on the first page again, and the row behind."""
    crossed = max(cell.count(Mark.PAGE, 1) for cell in cells)
    begins_page = any(cell.startswith(Mark.PAGE) for cell in cells)
    return begins_page and (not crossed or cells[0].startswith(Mark.PAGE)), crossed


def _inline_nodes(node: Node) -> Iterator[Node]:
    """Yield all parts of lines in a block."""
    for key in ("rows", "cells", "items", "content"):
        for child in node.get(key) or ():
            if isinstance(child, dict):
                yield from _inline_nodes(child)
    if node.get("nested"):
        yield from _inline_nodes(node["nested"])
    if "type" in node:
        yield node


def _readable(text: str, *, is_formula: bool = False) -> str:
    """Return the text without marks but those of pages. LaTeX in a sentence stands between dollar signs."""

    def shown(match: re.Match[str]) -> str:
        return f"${match[1]}$" if _STRUCTURE.search(match[1]) and not is_formula else match[1]

    return _FORMULA.sub(shown, text).translate(_MARKS)
