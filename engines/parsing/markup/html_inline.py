"""What stands in a line of a page and is no plain text: formulas, pictures, raised figures, fields, links, notes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from engines.parsing.markup.mathml import formula, local_name

_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_RAISED = re.compile(r"[-+\u2212]?[0-9]+")
_EXPRESSION = re.compile(r"[\w.,]*[-+\u2212*/=][\w.,+*/=\u2212-]*|[ijkmntxy]")
_FILE = re.compile(
    r"\.(?:7z|csv|docx?|epub|ods|odt|odp|pdf|pptx?|rtf|tar|gz|txt|xlsx?|xml|zip)(?:[?#].*)?$", re.IGNORECASE
)
_TEX = re.compile(r"math/tex(;\s*mode=display)?")
_ICON_FONTS = re.compile(r"\bmaterial-(?:icons|symbols)\b|\bglyphicon\b")
_CHECKED = {True: " [x] ", False: " [ ] "}
_UNSEEN_INPUTS = frozenset(("button", "file", "hidden", "image", "password", "reset", "submit"))
_NOTE_MARKS = (
    ".//a[@role='doc-noteref' or @*[local-name()='type']='noteref' or contains(@class,'footnote-ref')]"
)
_ANCHOR_SIGNS = ("¶", "#", "§", "🔗")  # links of headings to themselves
_BACK = "↩↑^⏎\ufe0e\ufe0f "


def replace_inline(root: Any) -> None:
    """Write what such nodes show as their text."""
    base = next((node.get("href") for node in root.iter("base") if node.get("href")), "")
    for node in list(root.iter(*_REPLACEMENTS)):
        _REPLACEMENTS[node.tag](node)
    for link in root.iter("a"):
        if "".join(link.itertext()).strip() in _ANCHOR_SIGNS:
            _set_text(link, "")
        _add_address(link, base)


def take_notes(root: Any) -> dict[Any, str]:
    """Return the notes by the links that are their marks, and remove them from where they stand."""
    targets = {node.get("id"): node for node in root.iter() if node.get("id")}
    notes: dict[Any, str] = {}
    for mark in root.xpath(_NOTE_MARKS):
        target = targets.get(mark.get("href", "").removeprefix("#"))
        if target is not None and not any(mark is inner for inner in target.iter("a")):
            label = "".join(mark.itertext()).strip("[]() \n")
            text = " ".join("".join(target.itertext()).split()).strip(_BACK)
            notes[mark] = f"[{label}] {text.removeprefix(label).lstrip('.) ')}" if label else text
    for mark in notes:
        targets[mark.get("href").removeprefix("#")].clear(keep_tail=True)
    return notes


def _set_text(node: Any, text: str) -> None:
    del node[:]
    node.text = text


def _show_formula(node: Any) -> None:
    is_display = node.get("display") == "block" or node.get("mode") == "display"
    _set_text(node, formula(node) or node.get("alttext", ""))
    node.tag = "formula" if is_display else "span"


def _show_tex(node: Any) -> None:
    if kind := _TEX.match(node.get("type", "")):
        node.tag = "formula" if kind[1] else "span"


def _show_picture(node: Any) -> None:
    _set_text(node, node.get("alt") or "")


def _show_drawing(node: Any) -> None:
    """The labels of a drawing. Titles of icons are not seen."""
    labels = ("".join(text.itertext()).strip() for text in node.iter() if local_name(text) == "text")
    _set_text(node, "\n".join(filter(None, labels)))
    node.tag = "div"


def _show_raised(node: Any) -> None:
    """Raised figures keep their place above the line: 10³ is not 103. Marks of notes have brackets."""
    text = "".join(node.itertext()).strip()
    link = node.find(".//a")
    if link is not None or next(node.iterancestors("a"), None) is not None:
        if text.isalnum():
            _set_text(node if link is None else link, f"[{text}]")
    elif _RAISED.fullmatch(text):
        _set_text(node, text.translate(_SUPERSCRIPTS))
    elif _EXPRESSION.fullmatch(text):
        _set_text(node, f"^({text})" if len(text) > 1 else f"^{text}")


def _show_quote(node: Any) -> None:
    node.text = f"“{node.text or ''}"
    if len(node):
        node[-1].tail = f"{node[-1].tail or ''}”"
    else:
        node.text += "”"


def _show_input(node: Any) -> None:
    kind = node.get("type", "text").lower()
    is_box = kind in ("checkbox", "radio")
    _set_text(node, _CHECKED["checked" in node.attrib] if is_box else f" {node.get('value', '')} ")
    if kind in _UNSEEN_INPUTS:
        _set_text(node, "")


def _show_selected(node: Any) -> None:
    chosen = (
        " ".join("".join(option.itertext()).split())
        for option in node.iter("option")
        if "selected" in option.attrib
    )
    _set_text(node, f" {', '.join(chosen)} ")


def _show_area(node: Any) -> None:
    _set_text(node, f" {''.join(node.itertext())} ")


def _leave_out(node: Any) -> None:
    _set_text(node, "")


def _leave_out_icon(node: Any) -> None:
    """Fonts of icons draw the word that is their name."""
    if _ICON_FONTS.search(node.get("class", "")):
        _set_text(node, "")


def _add_address(link: Any, base: str) -> None:
    """Add the address of a file or a mailbox: people need it, and it is not in the words."""
    target = link.get("href", "").strip()
    address = (
        target.partition(":")[2].partition("?")[0] if target.lower().startswith(("mailto:", "tel:")) else ""
    )
    if not address and _FILE.search(target) and "://" in urljoin(base, target):
        address = urljoin(base, target)
    words = "".join(link.itertext())
    if address and words.strip() and address.lower() not in words.lower():
        etree.SubElement(link, "span").text = f" ({address})"


_REPLACEMENTS: dict[str, Callable[[Any], None]] = {
    "i": _leave_out_icon,
    "img": _show_picture,
    "input": _show_input,
    "math": _show_formula,
    "q": _show_quote,
    "rp": _leave_out,
    "rt": _leave_out,
    "script": _show_tex,
    "select": _show_selected,
    "span": _leave_out_icon,
    "sup": _show_raised,
    "svg": _show_drawing,
    "textarea": _show_area,
}
