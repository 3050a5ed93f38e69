"""HTML: the text that a browser would show, without scripts, styles and navigation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError
from engines.parsing.element_builders import code, table
from engines.parsing.html_visibility import remove_unseen
from engines.parsing.job import Job
from engines.parsing.text import load

_REMOVED_TAGS = (
    *("script", "style", "template", "noscript", "nav", "iframe", "object", "embed", "applet", "svg"),
    *("canvas", "audio", "video", "map", "button", "select", "textarea", "datalist", "dialog"),
)
_INLINE_TAGS = frozenset(
    (
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
        ),
        *("i", "img", "input", "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp"),
        *("small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    )
)
_HEADING_TAGS = {f"h{level}": level for level in range(1, 7)}
# The kind and level of the text inside.
_BLOCK_KINDS = {
    **{tag: (ElementKind.TITLE, level) for tag, level in _HEADING_TAGS.items()},
    **dict.fromkeys(("li", "dt", "dd"), (ElementKind.LIST_ITEM, 0)),
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
_MAX_ROW_LENGTH = 4_000


def read(job: Job) -> ParsedDocument:
    root = parse_tree(load(job))
    if root is None:
        return ParsedDocument(mime_type=job.mime_type)
    metadata = read_metadata(root)  # before hidden nodes are removed
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(tree_elements(root)), metadata=metadata)


def elements(text: str) -> Iterator[Element]:
    """Yield the elements of a page or of a fragment."""
    root = parse_tree(text)
    return iter(()) if root is None else tree_elements(root)


def parse_tree(text: str) -> Any:
    """Return the root node, or None if there is none."""
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True
    )
    data = text.replace("\x00", "").encode("utf-8", "replace")
    root = etree.fromstring(data, parser) if data.strip() else None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise ParseError("too_deep")
    return root


def read_metadata(root: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"title": root.findtext(".//head/title"), "language": root.get("lang")}
    for meta in root.iter("meta"):
        name = _META_NAMES.get((meta.get("name") or meta.get("property") or "").lower())
        if name and not metadata.get(name):
            metadata[name] = meta.get("content")
    return metadata


class _Block:
    """The text collected for the current block, and the kinds of the blocks around it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.kinds: list[tuple[ElementKind, int]] = [(ElementKind.TEXT, 0)]

    def flush(self) -> Iterator[Element]:
        text = "".join(self.parts).strip()
        self.parts.clear()
        if text:
            kind, level = self.kinds[-1]
            yield Element(kind=kind, text=text, level=level)


def tree_elements(root: Any) -> Iterator[Element]:
    """Yield one element per block, in order. Not recursive, because pages nest deeper than Python's recursion limit."""
    _remove_hidden(root)
    block = _Block()
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        tag = node.tag
        if tag not in _INLINE_TAGS and tag != "br":
            yield from block.flush()
        if event == "end":
            if tag in _BLOCK_KINDS and len(block.kinds) > 1:
                block.kinds.pop()
            block.parts.append(_collapse_spaces(node.tail))
        elif tag == "br":
            block.parts.append("\n")
        elif tag in ("head", "pre") or (tag == "table" and _is_data_table(node)):
            walker.skip_subtree()
            if tag != "head":
                is_table = tag == "table"
                yield table(table_rows(node)) if is_table else code("".join(node.itertext()))
        else:
            if tag in _BLOCK_KINDS:
                block.kinds.append(_BLOCK_KINDS[tag])
            block.parts.append(_collapse_spaces(node.text))
    yield from block.flush()


def _remove_hidden(root: Any) -> None:
    """Remove what a browser does not show, and replace images by their descriptions."""
    remove_unseen(root)
    etree.strip_elements(root, *_REMOVED_TAGS, with_tail=False)
    for image in root.iter("img"):
        image.text = image.get("alt") or ""


def _is_data_table(node: Any) -> bool:
    """Tables that only arrange a page nest, have one column, or contain headings or long texts."""
    if any(node.find(f".//{tag}") is not None for tag in ("table", *_HEADING_TAGS)):
        return False
    rows = list(node.iter("tr"))
    columns = max((sum(cell.tag in ("td", "th") for cell in row) for row in rows), default=0)
    return columns > 1 and all(len(_cell_text(row)) < _MAX_ROW_LENGTH for row in rows)


def table_rows(node: Any) -> Iterator[list[str]]:
    for row in node.iter("caption", "tr"):
        if row.tag == "caption":
            yield [_cell_text(row)]
        else:
            yield [_cell_text(cell) for cell in row if cell.tag in ("td", "th")]


def _cell_text(node: Any) -> str:
    """Return a cell's text, with spaces between its blocks."""
    parts = []
    for event, inner in etree.iterwalk(node, events=("start", "end")):
        if inner is not node and inner.tag not in _INLINE_TAGS:
            parts.append(" ")
        text = inner.text if event == "start" else inner.tail if inner is not node else ""
        parts.append(text or "")
    return " ".join("".join(parts).split())


def _collapse_spaces(text: str | None) -> str:
    """Collapse white space as a browser does."""
    if not text:
        return ""
    words = " ".join(text.split())
    if not words:
        return " "
    return f"{' ' * text[0].isspace()}{words}{' ' * text[-1].isspace()}"
