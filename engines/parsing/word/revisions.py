"""Tracked changes as accepted, and text that is not shown."""

from __future__ import annotations

from typing import Any

from engines.parsing.word.styles import Styles
from engines.parsing.word.xml import WP, V, W, is_on, remove, value

_REMOVED = [f"{W}{name}" for name in ("del", "moveFrom", "cellDel")]
_MIN_HALF_POINTS = 4
_WHITE = "FFFFFF"
_PLAIN_COLOURS = (None, "", "auto", _WHITE, "ffffff")
_FRAMES = (f"{W}tc", f"{W}txbxContent", f"{V}textbox")
_FLOATING = (f"{WP}anchor", f"{W}pict")
_DRAWN = (f"{W}drawing", f"{W}pict", f"{W}object")


def accept_changes(root: Any) -> None:
    """Remove what was deleted or moved away. Paragraphs with nothing left are removed, and those between which the break was
    deleted are joined."""
    for node in list(root.iter(*_REMOVED)):
        holder = node.getparent()
        if holder is None:
            continue
        if holder.tag == f"{W}trPr":
            remove(holder.getparent())
        elif node.tag == f"{W}cellDel":
            _empty(holder.getparent())
        elif holder.tag == f"{W}rPr" and holder.getparent().tag == f"{W}pPr":
            join_to_next(holder.getparent().getparent())
        else:
            remove(node)


def _empty(cell: Any) -> None:
    for node in cell.findall(f"{W}p"):
        for part in [one for one in node if one.tag != f"{W}pPr"]:
            node.remove(part)


def join_to_next(paragraph: Any) -> None:
    """Move a paragraph's text to the begin of the next one."""
    following = paragraph.getnext()
    parts = [part for part in paragraph if part.tag not in (f"{W}pPr", *_REMOVED)]
    if following is None or following.tag != f"{W}p":
        return
    at = 1 if following.find(f"{W}pPr") is not None else 0
    following[at:at] = parts
    remove(paragraph)


def remove_questions(root: Any) -> None:
    """Remove the answers of fields that only serve another field's question, such as a condition."""
    fields: list[
        tuple[bool, list[Any]]
    ] = []  # of each open field: whether it still asks, and what is said meanwhile
    for node in list(root.iter(f"{W}fldChar", f"{W}t")):
        kind = node.get(f"{W}fldCharType")
        if node.tag == f"{W}t":
            for is_asking, said in fields[:-1]:
                if is_asking:
                    said.append(node)
        elif kind == "begin":
            fields.append((True, []))
        elif fields:
            for text in fields.pop()[1]:
                text.text = ""
            if kind == "separate":
                fields.append((False, []))


def remove_unseen(root: Any, styles: Styles) -> int:
    """Remove hidden runs, and text in white on white or too small to be seen. Return the number of paragraphs with some."""
    found = set()
    is_bare = next(root.iter(*_FLOATING), None) is None  # nothing can lie behind the text
    for node in _suspects(root, styles):
        paragraph = next(node.iterancestors(f"{W}p"), None)
        if paragraph is not None and _is_unseen(node, paragraph, styles, is_bare=is_bare):
            if _has_text(node):
                found.add(paragraph)
            remove(node)
    for paragraph in found:
        has_more = any(node.tag != f"{W}pPr" for node in paragraph) or paragraph.getnext() is None
        if is_on(paragraph, "pPr", "rPr", "vanish") and not has_more:
            remove(paragraph)
    return len(found)


def _suspects(root: Any, styles: Styles) -> list[Any]:
    """Return the runs that may be unseen: all of them only if a style hides text."""
    if styles.hide_text:
        return list(root.iter(f"{W}r"))
    marks = (node for node in root.iter(f"{W}vanish", f"{W}color", f"{W}sz") if _is_suspect(node))
    runs = (mark.getparent().getparent() for mark in marks)
    return list(dict.fromkeys(run for run in runs if run is not None and run.tag == f"{W}r"))


def _is_suspect(mark: Any) -> bool:
    text = mark.get(f"{W}val", "")
    if mark.tag == f"{W}sz":
        return bool(text.isascii() and text.isdigit() and int(text) < _MIN_HALF_POINTS)
    return bool(mark.tag == f"{W}vanish" or text.upper() == _WHITE)


def _is_unseen(run: Any, paragraph: Any, styles: Styles, *, is_bare: bool) -> bool:
    said = is_on(run, "rPr", "vanish")
    if said is None:
        names = value(run, "rPr", "rStyle"), value(paragraph, "pPr", "pStyle")
        said = any(name and styles.is_on(name, "rPr", "vanish") for name in names)
    if said or not _has_text(run) or next(run.iter(*_DRAWN), None) is not None:
        return bool(said)
    size = run.find(f"{W}rPr/{W}sz")
    is_tiny = size is not None and _is_suspect(size)
    return is_tiny or (is_bare and _is_white_on_white(run, paragraph, styles))


def _has_text(run: Any) -> bool:
    return any((text.text or "").strip() for text in run.iter(f"{W}t"))


def _is_white_on_white(run: Any, paragraph: Any, styles: Styles) -> bool:
    """Cells and boxes have colours that may come from anywhere: white text in them counts as seen."""
    if (value(run, "rPr", "color") or "").upper() != _WHITE:
        return False
    root = run.getroottree().getroot()
    if next(paragraph.iterancestors(*_FRAMES), None) is not None:
        return False
    if (value(run, "rPr", "highlight") or "none") != "none":
        return False
    shades = [run.find(f"{W}rPr/{W}shd"), paragraph.find(f"{W}pPr/{W}shd"), root.find(f"{W}background")]
    shades += styles.shades(value(paragraph, "pPr", "pStyle"))
    return all(
        shade is None or shade.get(f"{W}fill", shade.get(f"{W}color")) in _PLAIN_COLOURS for shade in shades
    )
