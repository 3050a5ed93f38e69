"""What surrounds the text of a web page: menus, banners, related links, notices of cookies. Never the main text."""

from __future__ import annotations

import re
from typing import Any

_ROLES = frozenset(
    (
        *("alertdialog", "banner", "complementary", "contentinfo", "dialog", "menu", "menubar", "navigation"),
        *("search", "tablist", "toolbar"),
    )
)
_CANDIDATES = ("nav", "aside", "header", "footer", "div", "section", "ul", "ol", "p", "a", "form", "span")
_CONTENT_TAGS = ("main", "article", "h1")
_SECTIONS = ("main", "article", "section", "blockquote")
_REMARK = re.compile(
    r"\b(?:admonition|callout|caution|doc-\w+|end-?notes?|foot-?notes?|hint|important|info|notes?|remark|tip|warning)\b"
)
_COOKIES = re.compile(r"cookie|consent|gdpr|onetrust|usercentrics|didomi")
_NOTICE = re.compile(
    r"banner|\bbar\b|-bar\b|box|dialog|disclaimer|info|layer|law|message|modal|notice|notification|overlay|popup|wall"
    r"|onetrust|didomi|usercentrics"
)
_LINKS = re.compile(
    r"(?<![\w-])(?:bread-?crumbs?|(?:main|page|side|site|sub|top)?-?(?:menu|nav|navbar|navigation|footer|header)"
    r"|pager|pagination|related(?:-\w+)?|share|sharing|side-?bar|skip-?(?:link|nav|to-\w+)|social(?:-\w+)?)(?![\w-])"
)
_FOOTER = re.compile(r"(?<![\w-])(?:page-?|site-?)?footer(?![\w-])")
_MANY_LINKS = 0.5
_MAX_NOTICE = 3_000


def remove_furniture(root: Any) -> None:
    """Remove the furniture, unless there is nothing else."""
    found = [node for node in root.iter(*_CANDIDATES) if _is_furniture(node)]
    inner = set(found)
    outer = [node for node in found if inner.isdisjoint(node.iterancestors())]
    if sum(map(_length, outer)) < _length(root.find("body") if root.find("body") is not None else root):
        for node in outer:
            _remove(node)


def _is_furniture(node: Any) -> bool:
    names = _names(node)
    if node.tag not in _CANDIDATES[:4] and not names:
        return False
    if any(node.find(f".//{tag}") is not None for tag in _CONTENT_TAGS) or _REMARK.search(names):
        return False
    return (
        node.tag == "nav"
        or node.get("role") in _ROLES
        or (node.tag == "aside" and (not _is_in(node, ("main", "article")) or _has_many_links(node)))
        or ((node.tag == "footer" or _FOOTER.search(names)) and not _is_in(node, _SECTIONS))
        or bool(_COOKIES.search(names) and _NOTICE.search(names) and _length(node) < _MAX_NOTICE)
        or (
            (node.tag == "header" or bool(_LINKS.search(names)))
            and not _is_in(node, _SECTIONS)
            and _has_many_links(node)
        )
    )


def _names(node: Any) -> str:
    return f"{node.get('class', '')} {node.get('id', '')} {node.get('role', '')}".strip().lower()


def _is_in(node: Any, tags: tuple[str, ...]) -> bool:
    return next(node.iterancestors(*tags), None) is not None


def _has_many_links(node: Any) -> bool:
    return sum(map(_length, node.iter("a"))) >= _MANY_LINKS * _length(node)


def _length(node: Any) -> int:
    return sum(len(text.strip()) for text in node.itertext())


def _remove(node: Any) -> None:
    """Remove the node, but not the text behind it."""
    parent, before, tail = node.getparent(), node.getprevious(), node.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    elif parent is not None:
        parent.text = (parent.text or "") + tail
    if parent is not None:
        parent.remove(node)
