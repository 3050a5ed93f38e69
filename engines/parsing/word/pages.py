"""Where pages begin: at breaks that the author set, and where Word broke pages when it last showed the file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from engines.parsing.word.styles import Styles
from engines.parsing.word.xml import SPACE, Mark, W, is_on, prepend, remove, value

_BREAK, _SHOWN, _PARAGRAPH, _TEXT = (f"{W}{name}" for name in ("br", "lastRenderedPageBreak", "p", "t"))
_THINGS = [f"{W}{name}" for name in ("drawing", "pict", "object")]
_NEW_PAGE = (None, "nextPage", "oddPage", "evenPage")


def mark_pages(body: Any, styles: Styles) -> bool:
    """Mark the begin of each page but the first. Return whether Word has shown the file and kept its page breaks."""
    nodes = list(body.iter(_BREAK, _SHOWN, _PARAGRAPH, _TEXT, *_THINGS))
    last_of_section = _last_paragraphs(body)
    is_fresh, begins_section, was_shown = True, False, False  # nothing stands on a fresh page yet
    for node in nodes:
        is_new = False
        if node.tag == _PARAGRAPH:
            is_new = begins_section or (not is_fresh and _breaks_before(node, styles))
            if is_new:
                prepend(node, Mark.PAGE)
            begins_section = node in last_of_section
        elif node.tag in (_BREAK, _SHOWN):
            was_shown |= node.tag == _SHOWN
            is_new = _mark_break(node, is_fresh=is_fresh)
        elif node.tag != _TEXT or (node.text or "").strip():
            is_fresh = False
        is_fresh |= is_new
    return was_shown


def _last_paragraphs(body: Any) -> set[Any]:
    """Return the paragraphs that end sections after which a page begins. How one begins is said in the section itself."""
    sections = [one for one in body.iter(f"{W}sectPr") if one.getparent().tag != f"{W}sectPrChange"]
    return {
        section.getparent().getparent()
        for section, following in pairwise(sections)
        if section.getparent().tag == f"{W}pPr" and value(following, "type") in _NEW_PAGE
    }


def _breaks_before(paragraph: Any, styles: Styles) -> bool:
    said = is_on(paragraph, "pPr", "pageBreakBefore")
    style = value(paragraph, "pPr", "pStyle")
    return styles.is_on(style, "pPr", "pageBreakBefore") if said is None else said


def _mark_break(node: Any, *, is_fresh: bool) -> bool:
    """Replace a page break by a mark, and return whether a page begins. A break that Word showed behind one that the author
    set is the same."""
    is_shown = node.tag == _SHOWN
    if (is_shown and is_fresh) or next(node.iterancestors(f"{W}txbxContent"), None) is not None:
        if is_shown:
            remove(node)
        return False
    if not is_shown and node.get(f"{W}type") != "page":
        return False
    node.tag, node.text = _TEXT, Mark.PAGE
    node.attrib.clear()
    node.set(SPACE, "preserve")
    return True
