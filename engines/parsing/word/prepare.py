"""Makes a Word file ready for office-oxide: what the library does not know is written into the text, with marks."""

from __future__ import annotations

from typing import Any, NamedTuple

from lxml import etree

from engines.parsing.office.office_package import Relation, attribute, descendants
from engines.parsing.word.formulas import written
from engines.parsing.word.numbering import Numbering
from engines.parsing.word.package import Package
from engines.parsing.word.pages import mark_pages
from engines.parsing.word.revisions import accept_changes, join_to_next, remove_questions, remove_unseen
from engines.parsing.word.styles import Styles
from engines.parsing.word.symbols import write_symbols
from engines.parsing.word.tables import arrange_tables
from engines.parsing.word.xml import A, M, Mark, R, V, W, is_on, paragraph, prepend, remove, run, value

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SIGN = "{http://schemas.microsoft.com/office/word/2015/wordml/symex}symEx"  # only its alternative is text
_TEXT_PARTS = ("footnotes", "endnotes", "comments", "header", "footer")

Relations = dict[str, Relation]


class Prepared(NamedTuple):
    """`hidden` is the number of paragraphs with unseen text; `was_shown` says whether Word kept where it broke pages."""

    data: bytes
    hidden: int
    was_shown: bool


def prepare(package: Package) -> Prepared:
    """Raise ValueError if the file has no text at all, so that it cannot be a document."""
    relations = package.relations(package.document)
    targets = {relation.kind: relation.target for relation in relations.values() if not relation.is_external}
    styles = Styles(package.tree(targets.get("styles", "word/styles.xml")))
    numbering = Numbering(package.tree(targets.get("numbering", "word/numbering.xml")), styles)
    document = package.tree(package.document)
    body = document.find(f"{W}body")
    if body is None:
        raise ValueError("there is no body")
    _drop_even_headers(document, package.tree(targets.get("settings", "word/settings.xml")))
    names = {one.target for one in relations.values() if one.kind in _TEXT_PARTS and not one.is_external}
    others = {name: package.tree(name) for name in sorted(names)}
    hidden = _prepare_part(package, package.document, document, styles)
    hidden += sum(_prepare_part(package, name, root, styles) for name, root in others.items())
    _mark_pictures(body, relations)
    was_shown = mark_pages(body, styles)
    for root in (document, *others.values()):
        _mark_paragraphs(root, styles, numbering)
    return Prepared(package.packed({package.document: document, **others}), hidden, was_shown)


def _prepare_part(package: Package, name: str, root: Any, styles: Styles) -> int:
    """Write into the text what holds in all parts, and return the number of paragraphs with unseen text."""
    _choose_alternatives(root)
    accept_changes(root)
    hidden = remove_unseen(root, styles)
    remove_questions(root)
    hidden += arrange_tables(root)
    _show_bases(root)
    _join_initials(root)
    write_symbols(root)
    _write_formulas(root)
    relations = package.relations(name)
    _mark_drawings(root, relations)
    for chunk in list(root.iter(f"{W}altChunk")):
        relation = relations.get(chunk.get(f"{R}id"))
        if relation and not relation.is_external:
            chunk.addnext(paragraph(f"{Mark.PART}{relation.target}{Mark.END}"))
        remove(chunk)
    return hidden


def _choose_alternatives(root: Any) -> None:
    """Put what newer programs show in place of the alternatives, which stand around runs, paragraphs and rows as well."""
    for node in list(root.iter(f"{_MC}AlternateContent")):
        choices = [one for one in node if next(one.iter(_SIGN), None) is None]
        for part in reversed(choices[0] if choices else []):
            node.addnext(part)
        remove(node)


def _drop_even_headers(document: Any, settings: Any) -> None:
    """Word shows headers of even pages only in files that say so."""
    if not is_on(settings, "evenAndOddHeaders"):
        for reference in list(document.iter(f"{W}headerReference", f"{W}footerReference")):
            if reference.get(f"{W}type") == "even":
                remove(reference)


def _show_bases(root: Any) -> None:
    """Put what a ruby annotation explains in place of both."""
    for ruby in list(root.iter(f"{W}ruby")):
        holder, base = ruby.getparent(), ruby.find(f"{W}rubyBase")
        for part in reversed(base if base is not None else []):
            holder.addnext(part)
        holder.remove(ruby)


def _join_initials(root: Any) -> None:
    """Put a large first letter, which is a paragraph of its own, in front of its word."""
    for frame in list(root.iter(f"{W}framePr")):
        if frame.get(f"{W}dropCap") in ("drop", "margin"):
            join_to_next(frame.getparent().getparent())


def _write_formulas(root: Any) -> None:
    """Write formulas as text, with a space between those that follow each other."""
    for group in list(root.iter(f"{M}oMathPara")):
        for formula in group.findall(f"{M}oMath"):
            group.addprevious(formula)
        remove(group)
    for formula in list(root.iter(f"{M}oMath")):
        if formula.getparent() is not None:
            following = formula.getnext()
            space = " " if following is not None and following.tag == formula.tag else ""
            formula.addprevious(run(f"{Mark.FORMULA}{written(formula)}{Mark.FORMULA}{space}"))
            remove(formula)


def _mark_drawings(root: Any, relations: Relations) -> None:
    """Name the part of each chart and diagram behind the paragraph in which it is drawn."""
    for node in list(descendants(root, "chart", "relIds")):
        relation = relations.get(attribute(node, "id") or attribute(node, "dm"))
        holder = next(node.iterancestors(f"{W}p"), None)
        if relation and not relation.is_external and holder is not None:
            holder.addnext(paragraph(f"{Mark.PART}{relation.target}{Mark.END}"))
            remove(next(node.iterancestors(f"{W}drawing"), node))


def _mark_pictures(body: Any, relations: Relations) -> None:
    """Name each picture's part at the first place where it is shown. An object's picture only stands for it."""
    seen = set()
    for node in list(body.iter(f"{A}blip", f"{V}imagedata")):
        relation = relations.get(node.get(f"{R}embed") or node.get(f"{R}id") or "")
        holder = next(node.iterancestors(f"{W}r"), None)
        if relation is None or relation.is_external or holder is None or relation.target in seen:
            continue
        if next(node.iterancestors(f"{W}object"), None) is not None:
            continue
        seen.add(relation.target)
        holder.addnext(run(f"{Mark.PART}{relation.target}{Mark.END}"))


def _mark_paragraphs(root: Any, styles: Styles, numbering: Numbering) -> None:
    """Write the kinds and the numbers of paragraphs into their text. The library counts them in its own way, so it must not
    see that they are in a list."""
    for node in list(root.iter(f"{W}p")):
        properties = node.find(f"{W}pPr")
        style = value(properties, "pStyle")
        by_style = styles.numbering(style)
        number = value(properties, "numPr", "numId") or by_style[0]
        level = value(properties, "numPr", "ilvl") or by_style[1] or numbering.level_of(number, style)
        label = numbering.label(number, int(level) if level.isdigit() else 0)
        mark = styles.mark(style) or (Mark.ITEM if label is not None else "")
        if properties is not None and (outline := styles.outline_level(style)) is not None:
            _add_value(properties, "outlineLvl", outline)
        if label is not None and properties is not None:
            _leave_list(properties)
        if (mark or label) and _has_text(node):
            prepend(node, f"{mark}{label} " if label else mark)


def _leave_list(properties: Any) -> None:
    own = properties.find(f"{W}numPr")
    if own is not None:
        properties.remove(own)
    _add_value(etree.SubElement(properties, f"{W}numPr"), "numId", 0)


def _add_value(node: Any, name: str, number: int) -> None:
    etree.SubElement(node, f"{W}{name}").set(f"{W}val", str(number))


def _has_text(node: Any) -> bool:
    return any((text.text or "").strip() for text in node.iter(f"{W}t"))
