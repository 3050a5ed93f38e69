"""HTML: the text that a browser would show, without scripts, styles and navigation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError, element_builders
from engines.parsing.job import Job
from engines.parsing.text import load

_UNSEEN = (
    *(
        "script",
        "style",
        "template",
        "noscript",
        "nav",
        "iframe",
        "object",
        "embed",
        "applet",
        "svg",
        "canvas",
    ),
    *("audio", "video", "map", "button", "select", "textarea", "datalist", "dialog"),
)
_INLINE = frozenset(
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
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset(("li", "dt", "dd"))
_META = {
    "author": "author",
    "description": "description",
    "keywords": "keywords",
    "dc.title": "title",
    "dc.creator": "author",
    "article:published_time": "created",
    "date": "created",
}
_MOST_CELL_TEXT = 4_000


def read(job: Job) -> ParsedDocument:
    root = tree(load(job))
    if root is None:
        return ParsedDocument(mime_type=job.mime_type)
    facts = metadata(root)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(blocks(root)), metadata=facts)


def elements(text: str) -> Iterator[Element]:
    """The blocks of a page or of a fragment."""
    root = tree(text)
    return iter(()) if root is None else blocks(root)


def tree(text: str) -> Any:
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True
    )
    data = text.replace("\x00", "").encode("utf-8", "replace")
    root = etree.fromstring(data, parser) if data.strip() else None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise ParseError("too_deep")
    return root


def blocks(root: Any) -> Iterator[Element]:
    """One element per block, in order. No recursion: pages nest deeper than Python may call."""
    _prepare(root)
    state = _State()
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        if event == "start":
            yield from _open(node, state, walker)
        else:
            yield from _close(node, state)
    yield from state.flush()


class _State:
    """The text collected for the current block, and the kinds of the blocks around it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.kinds: list[tuple[ElementKind, int]] = [(ElementKind.TEXT, 0)]
        self.done: Any = None

    def flush(self) -> Iterator[Element]:
        text = "".join(self.parts).strip()
        self.parts.clear()
        if text:
            kind, level = self.kinds[-1]
            yield Element(kind=kind, text=text, level=level)


def _open(node: Any, state: _State, walker: Any) -> Iterator[Element]:
    tag = node.tag
    if tag in _INLINE:
        state.parts.append(_squeeze(node.text))
        return
    if tag == "br":
        state.parts.append("\n")
        return
    yield from state.flush()
    whole = _whole(node, tag)
    if whole is not None or tag == "head":
        walker.skip_subtree()
        state.done = node
        if whole:
            yield whole
        return
    if tag in _HEADINGS:
        state.kinds.append((ElementKind.TITLE, _HEADINGS[tag]))
    elif tag in _ITEMS:
        state.kinds.append((ElementKind.LIST_ITEM, 0))
    state.parts.append(_squeeze(node.text))


def _close(node: Any, state: _State) -> Iterator[Element]:
    tag = node.tag
    if tag not in _INLINE and tag != "br":
        yield from state.flush()
        if (tag in _HEADINGS or tag in _ITEMS) and len(state.kinds) > 1:
            state.kinds.pop()
    state.parts.append(_squeeze(node.tail))


def _whole(node: Any, tag: str) -> Element | None:
    """Blocks that are read at once: preformatted text and tables of data."""
    if tag == "pre":
        return element_builders.code("".join(node.itertext()))
    if tag == "table" and _holds_data(node):
        return element_builders.table(rows(node))
    return None


def _holds_data(node: Any) -> bool:
    """Not a table that only arranges a page: those nest, have one column, or hold headings and long texts."""
    if node.find(".//table") is not None or any(
        node.find(f".//{heading}") is not None for heading in _HEADINGS
    ):
        return False
    rows = list(node.iter("tr"))
    widest = max((sum(cell.tag in ("td", "th") for cell in row) for row in rows), default=0)
    return widest > 1 and all(len(_text(row)) < _MOST_CELL_TEXT for row in rows)


def rows(node: Any) -> Iterator[list[str]]:
    for row in node.iter("caption", "tr"):
        if row.tag == "caption":
            yield [_text(row)]
        else:
            yield [_text(cell) for cell in row if cell.tag in ("td", "th")]


def _text(node: Any) -> str:
    """A cell's text, its blocks apart."""
    parts = []
    for event, inner in etree.iterwalk(node, events=("start", "end")):
        if inner is not node and inner.tag not in _INLINE:
            parts.append(" ")
        text = inner.text if event == "start" else inner.tail if inner is not node else ""
        parts.append(text or "")
    return " ".join("".join(parts).split())


def _prepare(root: Any) -> None:
    etree.strip_elements(root, *_UNSEEN, with_tail=False)
    for hidden in root.xpath("//body//*[@hidden or contains(translate(@style, ' ', ''), 'display:none')]"):
        for child in list(hidden):
            hidden.remove(child)
        hidden.text = ""
    for image in root.iter("img"):
        image.text = image.get("alt") or ""


def _squeeze(text: str | None) -> str:
    """White space as a browser shows it."""
    if not text:
        return ""
    words = " ".join(text.split())
    if not words:
        return " "
    return f"{' ' * text[0].isspace()}{words}{' ' * text[-1].isspace()}"


def metadata(root: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"title": root.findtext(".//head/title"), "language": root.get("lang")}
    for meta in root.iter("meta"):
        name = _META.get((meta.get("name") or meta.get("property") or "").lower())
        if name and not found.get(name):
            found[name] = meta.get("content")
    return found
