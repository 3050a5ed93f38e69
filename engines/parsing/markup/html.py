"""HTML: the text that a browser would show, without scripts, styles and what surrounds the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError, own_process
from engines.parsing.element_builders import code
from engines.parsing.job import Job
from engines.parsing.markup import html_tables
from engines.parsing.markup.html_furniture import remove_furniture
from engines.parsing.markup.html_inline import replace_inline, take_notes
from engines.parsing.markup.html_lists import ListNumbers
from engines.parsing.markup.html_names import HEADING_TAGS, INLINE_TAGS
from engines.parsing.markup.html_visibility import remove_unseen
from engines.parsing.texts.text import load_counted

_REMOVED_TAGS = (
    *("script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "canvas", "audio"),
    *("video", "map", "button", "datalist"),
)
# The formulas of these programs stand there twice.
_REPEATED = "//*[contains(@class,'katex-html') or contains(@class,'MathJax_Preview')]|//dialog[not(@open)]"
# The kind and level of the text inside.
_BLOCK_KINDS = {
    **{tag: (ElementKind.TITLE, level) for tag, level in HEADING_TAGS.items()},
    **dict.fromkeys(("li", "dt", "dd"), (ElementKind.LIST_ITEM, 0)),
    **dict.fromkeys(("figcaption", "caption"), (ElementKind.CAPTION, 0)),
    "formula": (ElementKind.FORMULA, 0),
}
_META_NAMES = {
    "author": "author",
    "description": "description",
    "keywords": "keywords",
    "dc.title": "title",
    "dc.creator": "author",
    "article:published_time": "created",
    "date": "created",
}


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    root = parse_tree(content.text)
    if root is None:
        return ParsedDocument(mime_type=job.mime_type)
    metadata = read_metadata(root)  # before hidden nodes are removed
    notes, hidden = _prepare(root)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(_walk(root, notes)),
        metadata=metadata | {"hidden_parts": hidden} if hidden else metadata,
        warnings=content.warnings,
    )


def elements(text: str) -> Iterator[Element]:
    """Yield the elements of a page or of a fragment."""
    root = parse_tree(text)
    return iter(()) if root is None else tree_elements(root)


def parse_tree(text: str) -> Any:
    """Return the root node, or None if there is none."""
    own_process.require()
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True
    )
    data = text.replace("\x00", "").encode("utf-8", "replace")
    root = etree.fromstring(data, parser) if data.strip() else None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise ParseError("too_deep")
    if root is not None:
        _open_frames(root)
    return root


def _open_frames(root: Any) -> None:
    """Put the pages that frames carry in themselves in their place."""
    for frame in list(root.iter("iframe")):
        inner = parse_tree(frame.get("srcdoc") or "")
        body = inner.find("body") if inner is not None else None
        if body is not None:
            frame.tag, body.tag, frame.text = "div", "div", None
            frame[:] = [body]


def read_metadata(root: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"title": root.findtext(".//head/title"), "language": root.get("lang")}
    for meta in root.iter("meta"):
        name = _META_NAMES.get((meta.get("name") or meta.get("property") or "").lower())
        if name and not metadata.get(name):
            metadata[name] = meta.get("content")
    return metadata


def table_rows(root: Any) -> list[list[str]]:
    """Return the rows of the first table."""
    table = root if root.tag == "table" else root.find(".//table")
    return [] if table is None else html_tables.rows(table)


def tree_elements(root: Any) -> Iterator[Element]:
    """Yield one element per block, in order. The tree is changed."""
    notes, _ = _prepare(root)
    return _walk(root, notes)


def _prepare(root: Any) -> tuple[dict[Any, str], int]:
    """Remove what a browser does not show or what surrounds the text, and write what pictures and formulas show. Return the
    notes by their marks, and the number of hidden parts."""
    hidden = remove_unseen(root)
    for node in root.xpath(_REPEATED):
        node.clear(keep_tail=True)
    remove_furniture(root)
    notes = take_notes(root)
    replace_inline(root)
    etree.strip_elements(root, *_REMOVED_TAGS, with_tail=False)
    return notes, hidden


class _Block:
    """The text collected for the current block, the kinds of the blocks around it, the number of its list item, and the
    notes whose marks it has."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.kinds: list[tuple[ElementKind, int]] = [(ElementKind.TEXT, 0)]
        self.number = ""
        self.notes: list[str] = []

    def flush(self) -> Iterator[Element]:
        text = "".join(self.parts).strip()
        self.parts.clear()
        if text:
            kind, level = self.kinds[-1]
            yield Element(kind=kind, text=self.number + text, level=level)
            self.number = ""
        yield from (Element(ElementKind.NOTE, note) for note in self.notes)
        self.notes.clear()


def _walk(root: Any, notes: dict[Any, str]) -> Iterator[Element]:
    """Not recursive, because pages nest deeper than Python's recursion limit."""
    block = _Block()
    numbers = ListNumbers()
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        tag = node.tag
        if tag not in INLINE_TAGS and tag != "br":
            yield from block.flush()
        if event == "end":
            block.kinds[len(block.kinds) - (tag in _BLOCK_KINDS) :] = []
            block.number = "" if tag == "li" else block.number
            block.parts.append(_collapse_spaces(node.tail))
        elif tag == "br":
            block.parts.append("\n")
        elif tag in ("head", "pre") or (tag == "table" and html_tables.is_data_table(node)):
            walker.skip_subtree()
            yield from _whole(node, notes)
        else:
            if tag in _BLOCK_KINDS:
                block.kinds.append(_BLOCK_KINDS[tag])
            block.number = numbers.of(node) if tag == "li" else block.number
            block.parts.append(_collapse_spaces(node.text))
            block.notes += [notes[node]] if node in notes else []
    yield from block.flush()


def _whole(node: Any, notes: dict[Any, str]) -> Iterator[Element]:
    """Yield what is not read by its inner nodes: code, and tables with their notes."""
    if node.tag == "pre":
        for line_break in node.iter("br"):
            line_break.text = "\n"
        yield code("".join(node.itertext()))
    elif node.tag == "table":
        yield from html_tables.table(node)
        yield from (Element(ElementKind.NOTE, notes[mark]) for mark in node.iter("a") if mark in notes)


def _collapse_spaces(text: str | None) -> str:
    """Collapse white space as a browser does."""
    if not text:
        return ""
    words = " ".join(text.split())
    if not words:
        return " "
    return f"{' ' * text[0].isspace()}{words}{' ' * text[-1].isspace()}"
