"""PowerPoint presentations of the Open XML format and all flavours: each slide in the order in which it is read.

(office-oxide's tree tells neither where placeholders stand nor what is hidden on a slide or beside it.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from engines.parsing import Element, ElementKind, PageKind, ParsedDocument, ParseError, element_builders
from engines.parsing.job import Job
from engines.parsing.office import drawings, embedded_files, package
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.office_package import (
    Package,
    Relation,
    attribute,
    child,
    children,
    descendants,
    is_true,
    local_name,
)
from engines.parsing.pictures.reading_order import Box, in_reading_order
from engines.parsing.sheets.tables import count_header_rows
from engines.parsing.slides import text as slide_text
from engines.parsing.slides.layouts import TITLES, Layout

_NUMBERS = ("sldNum", "sldImg")
_FURNITURE = ("ftr", "dt", "hdr")
_SHAPES = ("sp", "grpSp", "graphicFrame", "pic", "cxnSp", "contentPart")
_DEFAULT_SIZE = (9_144_000, 6_858_000)
_MIN_PICTURE = 0.02  # of the slide: text in smaller pictures is too small to be read
_ORDER = {ElementKind.TITLE: 0, ElementKind.FOOTER: 2}


class _Placed(NamedTuple):
    box: Box
    elements: list[Element]


class _Slide(NamedTuple):
    part: str
    number: int
    layout: Layout
    relations: dict[str, Relation]


class _Group(NamedTuple):
    """How places inside a group of shapes become places on the slide."""

    scale_x: float = 1
    scale_y: float = 1
    left: float = 0
    top: float = 0

    def placed(self, box: Box) -> Box:
        return Box(
            box.left * self.scale_x + self.left,
            box.top * self.scale_y + self.top,
            box.right * self.scale_x + self.left,
            box.bottom * self.scale_y + self.top,
        )


def read(job: Job) -> ParsedDocument:
    package.check(job)
    try:
        parts = Package(job.path)
        return _read_deck(job, parts, _Deck(job, parts))
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # a broken file may have anything where a number is expected
        from engines.parsing.office import second_opinion  # takes seconds

        return second_opinion.read(job, "pptx", error)


def _read_deck(job: Job, parts: Package, deck: _Deck) -> ParsedDocument:
    elements: list[Element] = []
    for number, part in enumerate(deck.slides, 1):
        elements += deck.read_slide(part, number)
    files, losses = embedded_files.members(job, parts, deck.shown)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        members=files,
        metadata=package.read_properties(job)
        | {"page_count": len(deck.slides), "hidden_parts": deck.hidden or None},
        page_kind=PageKind.SLIDE,
        warnings=(*parts.warnings(), *losses),
    )


class _Deck:
    """`slides` has the parts of all slides in their order, and `shown` of those that were read and are not hidden; `hidden`
    counts what was left out."""

    def __init__(self, job: Job, package: Package) -> None:
        main = package.main("ppt/presentation.xml")
        root, relations = package.tree(main), package.relations(main)
        self.hidden = 0
        self.shown: list[str] = []
        self.slides = [
            relations[attribute(node, "id")].target
            for node in descendants(root, "sldId")
            if attribute(node, "id") in relations
        ]
        size = child(root, "sldSz")
        width, height = _DEFAULT_SIZE if size is None else (int(size.get("cx")), int(size.get("cy")))
        self._area = Box(0, 0, width, height)
        self._package, self._pictures = package, Pictures(job)
        self._seen_pictures: set[str] = set()
        self._seen_furniture: set[str] = set()
        self._authors = dict(_authors(package, main))

    def read_slide(self, part: str, number: int) -> list[Element]:
        root = drawings.without_fallbacks(self._package.tree(part))
        if root.get("show") in ("0", "false"):
            self.hidden += 1
            return []
        self.shown.append(part)
        slide = _Slide(part, number, Layout(self._package, part), self._package.relations(part))
        content = child(root, "cSld")
        if content is None:
            return []
        placed = [
            shape for tree in children(content, "spTree") for shape in self._placed(slide, tree, _Group())
        ]
        background = [one for node in children(content, "bg") for one in self._pictures_of(slide, node)]
        ordered = in_reading_order([shape for shape in placed if shape.elements], lambda shape: shape.box)
        found = [element for shape in ordered for element in shape.elements] + list(self._fixed(slide, root))
        found.sort(key=lambda element: _ORDER.get(element.kind, 1))
        return [*found, *background, *self._notes(slide), *self._comments(slide)]

    def _placed(self, slide: _Slide, tree: Any, group: _Group) -> Iterator[_Placed]:
        """Yield what is to be seen of a slide or a group, each shape with its place; a group inside is one shape."""
        for shape in _shapes(tree):
            box = group.placed(self._box(slide, shape))
            if drawings.is_hidden(shape) or not _meet(box, self._area):
                self.hidden += bool(drawings.texts(shape))
            elif local_name(shape) == "grpSp":
                inner = [one for one in self._placed(slide, shape, _inside(shape, group)) if one.elements]
                found = in_reading_order(inner, lambda one: one.box)
                yield _Placed(box, [element for one in found for element in one.elements])
            else:
                yield _Placed(box, list(self._elements(slide, shape, box)))

    def _box(self, slide: _Slide, shape: Any) -> Box:
        """Return the shape's own place, or that of the placeholder that it fills; else the end of the slide."""
        mark = slide_text.placeholder(shape)
        for one in (shape, *(slide.layout.ancestors(mark) if mark is not None else ())):
            frame = _frame(one)
            start, size = child(frame, "off"), child(frame, "ext")
            if start is not None and size is not None:
                left, top = int(start.get("x")), int(start.get("y"))
                return Box(left, top, left + int(size.get("cx")), top + int(size.get("cy")))
        return self._area._replace(top=self._area.bottom)

    def _elements(self, slide: _Slide, shape: Any, box: Box) -> Iterator[Element]:
        mark = slide_text.placeholder(shape)
        kind = mark.get("type") or "" if mark is not None else ""
        texts = drawings.texts(shape) if kind else []
        if kind in TITLES:
            yield from [element_builders.title(" ".join(texts), 1, slide.number)] if texts else []
        elif kind in _FURNITURE:
            yield from self._furniture(" ".join(texts), slide.number)
        elif kind not in _NUMBERS and local_name(shape) == "graphicFrame":
            yield from (_table(node, slide.number) for node in descendants(shape, "tbl"))
            yield from drawings.linked_elements(self._package, slide.part, shape, slide.number)
        elif kind not in _NUMBERS:
            styles = slide.layout.list_styles(mark) if mark is not None else []
            yield from slide_text.elements(shape, styles, slide.number)
            if _share(box, self._area) >= _MIN_PICTURE:
                yield from self._pictures_of(slide, shape)

    def _fixed(self, slide: _Slide, root: Any) -> Iterator[Element]:
        """Yield what the layout and the master write on all slides. What stands beside a slide says how to use them."""
        for tree in slide.layout.shown_trees(root):
            for shape in _shapes(drawings.without_fallbacks(tree)):
                text = " ".join(drawings.texts(shape))
                is_shown = slide_text.placeholder(shape) is None and not drawings.is_hidden(shape)
                if any(map(str.isalpha, text)) and is_shown and _meet(self._box(slide, shape), self._area):
                    yield from self._furniture(text, slide.number)

    def _furniture(self, text: str, page: int) -> Iterator[Element]:
        """Yield what stands at the foot of all slides once."""
        if text and text not in self._seen_furniture:
            self._seen_furniture.add(text)
            yield Element(ElementKind.FOOTER, text, page)

    def _pictures_of(self, slide: _Slide, node: Any) -> Iterator[Element]:
        for blip in descendants(node, "blip"):
            relation = slide.relations.get(attribute(blip, "embed"))
            if relation and not relation.is_external and relation.target not in self._seen_pictures:
                self._seen_pictures.add(relation.target)
                found = self._pictures.read(self._package.data(relation.target), slide.number)
                if found is None:
                    self._package.unread.append(relation.target)
                yield from found or ()

    def _notes(self, slide: _Slide) -> Iterator[Element]:
        for name in self._package.targets(slide.part, "notesSlide"):
            shapes = descendants(drawings.without_fallbacks(self._package.tree(name)), "sp")
            marks = ((shape, slide_text.placeholder(shape)) for shape in shapes)
            read = [
                shape
                for shape, mark in marks
                if mark is None or mark.get("type") not in (*_NUMBERS, *_FURNITURE)
            ]
            if text := "\n".join(text for shape in read for text in drawings.texts(shape)):
                yield Element(ElementKind.NOTE, text, slide.number)

    def _comments(self, slide: _Slide) -> Iterator[Element]:
        """Yield comments, and the answers to them."""
        for name in self._package.targets(slide.part, "comments"):
            for node in descendants(self._package.tree(name), "cm", "reply"):
                own = [part for part in node if local_name(part) in ("text", "txBody")]
                text = " ".join(text for part in own for text in drawings.texts(part) or [part.text or ""])
                if text.strip():
                    author = self._authors.get(node.get("authorId") or "", "")
                    yield element_builders.comment(text.strip(), author, slide.number)


def _authors(package: Package, main: str) -> Iterator[tuple[str, str]]:
    for name in package.targets(main, "commentAuthors", "authors"):
        for node in descendants(package.tree(name), "cmAuthor", "author"):
            yield node.get("id") or "", node.get("name") or ""


def _shapes(tree: Any) -> Iterator[Any]:
    for node in tree:
        if local_name(node) in ("AlternateContent", "Choice"):
            yield from _shapes(node)
        elif local_name(node) in _SHAPES:
            yield node


def _frame(shape: Any) -> Any:
    """Return the node that has the shape's place, or None."""
    return next(
        (part for node in (shape, *children(shape, "spPr", "grpSpPr")) for part in children(node, "xfrm")),
        None,
    )


def _inside(shape: Any, group: _Group) -> _Group:
    frame = _frame(shape)
    facts = [child(frame, name) for name in ("off", "ext", "chOff", "chExt")]
    if any(fact is None for fact in facts):
        return group
    start, size, inner_start, inner_size = facts
    scale_x = int(size.get("cx")) / (int(inner_size.get("cx")) or 1)
    scale_y = int(size.get("cy")) / (int(inner_size.get("cy")) or 1)
    left = int(start.get("x")) - int(inner_start.get("x")) * scale_x
    top = int(start.get("y")) - int(inner_start.get("y")) * scale_y
    return _Group(
        group.scale_x * scale_x,
        group.scale_y * scale_y,
        group.scale_x * left + group.left,
        group.scale_y * top + group.top,
    )


def _meet(box: Box, area: Box) -> bool:
    return (
        box.left <= area.right
        and box.right >= area.left
        and box.top <= area.bottom
        and box.bottom >= area.top
    )


def _share(box: Box, area: Box) -> float:
    """Return how much of the area the box takes."""
    return (box.right - box.left) * (box.bottom - box.top) / (area.right * area.bottom)


def _table(node: Any, page: int) -> Element:
    rows = drawings.table_rows(node)
    properties = child(node, "tblPr")
    is_headed = properties is not None and is_true(properties.get("firstRow")) and len(rows) > 1
    return element_builders.table(rows, page, header_rows=max(int(is_headed), count_header_rows(rows)))
