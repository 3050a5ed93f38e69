"""PowerPoint presentations of the format before 2007. (office-oxide loses the text of many placeholders, all tables and all
comments.)"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from engines.parsing import (
    Element,
    ElementKind,
    PageKind,
    ParsedDocument,
    ParseError,
    element_builders,
    warnings,
)
from engines.parsing.job import Job
from engines.parsing.office import embedded_files, ole_properties
from engines.parsing.office import tree as office_tree
from engines.parsing.office.ole_objects import EmbeddedFile, unpack
from engines.parsing.pictures.reading_order import Box, in_reading_order
from engines.parsing.sheets.tables import count_header_rows
from engines.parsing.slides.old_slide_records import Record, current_records, records

# Kinds of records.
_SLIDE_ATOM, _SHOW_INFO, _DRAWING, _SLIDE_LIST, _LISTED_SLIDE = 1007, 1017, 1036, 4080, 1011
_TEXT_KIND, _TEXT, _BYTES, _LISTED_TEXT, _STRING = 3999, 4000, 4008, 3998, 4026
_FEET, _FEET_FACTS, _FEET_OF_SLIDES, _FOOT_TEXT, _HAS_FOOT = 4057, 4058, 3, 2, 32
_PLACEHOLDER, _TAG_DATA, _COMMENT = 3011, 5003, 12000
_GROUP, _SHAPE, _PROPERTIES, _MORE_PROPERTIES = 0xF003, 0xF004, 0xF00B, 0xF122
_TEXT_BOX, _CHILD_PLACE, _PLACE, _CLIENT_DATA = 0xF00D, 0xF00F, 0xF010, 0xF011

_TITLE_TEXTS, _BODY_TEXTS, _NOTES_TEXT = (0, 6), (1, 7, 8), 2
_HIDDEN_SLIDE = 4
_GROUP_FLAGS, _HIDDEN_SHAPE, _TABLE_FLAGS, _IS_TABLE = 0x3BF, 0x20002, 0x39F, 1
_FURNITURE = (7, 8, 9, 10)  # places for date, number, foot and head
_OF_SLIDES, _OF_MASTERS, _OF_NOTES = 0, 1, 2
_SHOWS_MASTER, _MAX_MASTERS = 1, 2
_NUMBER = "*"  # stands for the number of the slide
_OBJECT, _MAX_OBJECT_BYTES = 4113, 64 << 20
_ORDER = {ElementKind.TITLE: 0}


class _Text(NamedTuple):
    kind: int
    text: str


class _Placed(NamedTuple):
    box: Box
    elements: list[Element]


def read(job: Job) -> ParsedDocument:
    import olefile

    try:
        with olefile.OleFileIO(job.path) as ole:
            user = ole.openstream("Current User").read()
            deck = _Deck(*current_records(user, ole.openstream("PowerPoint Document").read()))
            metadata = ole_properties.read(ole)
        elements = [
            element for number in range(1, len(deck.slides) + 1) for element in deck.read_slide(number)
        ]
    except (OSError, ValueError, IndexError, KeyError, StopIteration, struct.error) as error:
        return _read_otherwise(job, error)
    members, _ = embedded_files.stored(job, deck.embedded_files(), [])
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        members=members,
        metadata=metadata | {"page_count": len(deck.slides), "hidden_parts": deck.hidden or None},
        page_kind=PageKind.SLIDE,
    )


def _read_otherwise(job: Job, error: Exception) -> ParsedDocument:
    """Read a file whose lists of slides are broken, through office-oxide, which looks for slides everywhere."""
    import office_oxide

    try:
        tree = office_tree.load(job.path.read_bytes(), "ppt")
    except office_oxide.OfficeOxideError as second:
        code = "password_protected" if "encrypted" in str(second) else "corrupt_file"
        raise ParseError(code, type="PowerPoint presentation") from second
    slides = [section for section in tree["sections"] if section.get("title") != "Slide Master"]
    elements = []
    for number, section in enumerate(slides, 1):
        for node in section["elements"]:
            text = office_tree.block_text(node)
            is_title = node["type"] == "heading"
            elements.append(
                element_builders.title(text, 1, number)
                if is_title
                else element_builders.paragraph(text, number)
            )
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        metadata={"page_count": len(slides)},
        page_kind=PageKind.SLIDE,
        warnings=(
            warnings.warning("damaged", reason=f"its list of slides is broken ({type(error).__name__})"),
        ),
    )


class _Deck:
    """`slides` has the records of all slides in their order, each with its texts that stand in the outline."""

    def __init__(self, newest: dict[int, Record], document: int) -> None:
        self._newest = newest
        self.hidden = 0
        self.slides: list[tuple[Record, list[_Text]]] = []
        self._masters: dict[int, Record] = {}
        self._notes: dict[int, Record] = {}
        self._seen_furniture: set[str] = set()
        feet = newest[document].children(_FEET)
        self._feet = [one for one in feet if one.instance == _FEET_OF_SLIDES]
        for listed in newest[document].children(_SLIDE_LIST):
            for number, record, texts in self._listed(listed):
                if listed.instance == _OF_SLIDES:
                    self.slides.append((record, texts))
                elif listed.instance == _OF_MASTERS:
                    self._masters[number] = record
                elif listed.instance == _OF_NOTES:
                    self._notes[number] = record
        if not self.slides:
            raise KeyError("slides")

    def embedded_files(self) -> Iterator[EmbeddedFile]:
        """Yield the files in objects; macros are stored in the same way, and are none."""
        for number, record in self._newest.items():
            if record.kind == _OBJECT:
                with suppress(zlib.error):
                    data = _inflated(record.content[4:]) if record.instance else record.content
                    if file := unpack(data, f"object{number}"):
                        yield file

    def _listed(self, listed: Record) -> Iterator[tuple[int, Record, list[_Text]]]:
        """Yield the number and the record of each slide or page of notes in a list, and the texts that follow its entry."""
        entries: list[tuple[Record, list[Record]]] = []
        for record in listed.children():
            if record.kind == _LISTED_SLIDE:
                entries.append((record, []))
            elif entries:
                entries[-1][1].append(record)
        for entry, following in entries:
            reference, number = entry.numbers("<I")[0], entry.numbers("<I", 12)[0]
            if reference in self._newest:
                yield number, self._newest[reference], _texts(following)

    def read_slide(self, number: int) -> list[Element]:
        slide, outline = self.slides[number - 1]
        info = next(slide.children(_SHOW_INFO), None)
        if info and info.numbers("<H", 10)[0] & _HIDDEN_SLIDE:
            self.hidden += 1
            return []
        placed = [
            one for drawing in slide.children(_DRAWING) for one in self._drawn(drawing, outline, number)
        ]
        found = [element for one in in_reading_order(placed, lambda one: one.box) for element in one.elements]
        found += self._fixed(slide, number)
        found.sort(key=lambda element: _ORDER.get(element.kind, 1))
        return [*found, *self._notes_of(slide, number), *_comments(slide, number)]

    def _drawn(self, drawing: Record, outline: list[_Text], page: int) -> Iterator[_Placed]:
        for group in drawing.descendants(_GROUP):
            yield from self._in_group(group, outline, page)

    def _in_group(self, group: Record, outline: list[_Text], page: int) -> Iterator[_Placed]:
        """Yield the shapes of a group that have text. The first record is the group itself."""
        for record in list(group.children(_GROUP, _SHAPE))[1:]:
            shape = record if record.kind == _SHAPE else next(record.children(_SHAPE), record)
            if _property(shape, _PROPERTIES, _GROUP_FLAGS) & _HIDDEN_SHAPE == _HIDDEN_SHAPE:
                self.hidden += any(True for _ in record.descendants(_TEXT, _BYTES, _LISTED_TEXT))
                continue
            if record.kind == _SHAPE:
                found = list(self._elements(record, outline, page))
            elif _property(shape, _MORE_PROPERTIES, _TABLE_FLAGS) & _IS_TABLE:
                rows = _table_rows(record)
                found = (
                    [element_builders.table(rows, page, header_rows=count_header_rows(rows))] if rows else []
                )
            else:
                inner = in_reading_order(list(self._in_group(record, outline, page)), lambda one: one.box)
                found = [element for one in inner for element in one.elements]
            if found:
                yield _Placed(_box(shape), found)

    def _elements(self, shape: Record, outline: list[_Text], page: int) -> Iterator[Element]:
        place = _placeholder(shape)
        is_furniture = place is not None and place.numbers("<B", 4)[0] in _FURNITURE
        for text in _texts_of(shape, outline):
            lines = [line.replace("\x0b", "\n").strip() for line in text.text.split("\r")]
            words = " ".join(" ".join(lines).split())
            if is_furniture:
                yield from self._furniture(words, page)
            elif text.kind in _TITLE_TEXTS:
                yield from [element_builders.title(words, 1, page)] if words else []
            else:
                build = element_builders.item if text.kind in _BODY_TEXTS else element_builders.paragraph
                yield from (build(line, page) for line in lines if line)

    def _fixed(self, slide: Record, page: int) -> Iterator[Element]:
        """Yield what the slide's masters write on all slides, and its foot, which is else that of all slides."""
        for feet in list(slide.children(_FEET)) or self._feet:
            yield from self._furniture(_foot(feet), page)
        for shape in (shape for master in self._masters_of(slide) for shape in master.descendants(_SHAPE)):
            is_hidden = _property(shape, _PROPERTIES, _GROUP_FLAGS) & _HIDDEN_SHAPE == _HIDDEN_SHAPE
            if _placeholder(shape) is None and not is_hidden:
                texts = (one.text.replace("\x0b", "\r").replace(_NUMBER, "") for one in _texts_of(shape, []))
                yield from self._furniture(" ".join(" ".join(texts).split()), page)

    def _masters_of(self, slide: Record) -> Iterator[Record]:
        """Yield the masters that are shown on the slide: that of title slides has one itself."""
        for _ in range(_MAX_MASTERS):
            facts = next(slide.children(_SLIDE_ATOM), None)
            found = self._masters.get(facts.numbers("<I", 12)[0]) if facts else None
            if not facts or found is None or not facts.numbers("<H", 20)[0] & _SHOWS_MASTER:
                return
            yield (slide := found)

    def _furniture(self, text: str, page: int) -> Iterator[Element]:
        """Yield what stands on all slides once."""
        if any(map(str.isalpha, text)) and text not in self._seen_furniture:
            self._seen_furniture.add(text)
            yield Element(ElementKind.FOOTER, text, page)

    def _notes_of(self, slide: Record, page: int) -> Iterator[Element]:
        facts = next(slide.children(_SLIDE_ATOM), None)
        notes = self._notes.get(facts.numbers("<I", 16)[0]) if facts else None
        shapes = notes.descendants(_SHAPE) if notes else ()
        texts = [text.text for shape in shapes for text in _texts_of(shape, []) if text.kind == _NOTES_TEXT]
        if words := "\n".join(texts).replace("\r", "\n").replace("\x0b", "\n").strip():
            yield Element(ElementKind.NOTE, words, page)


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MAX_OBJECT_BYTES)


def _foot(feet: Record) -> str:
    facts = next(feet.children(_FEET_FACTS), None)
    if facts is None or not facts.numbers("<HH")[1] & _HAS_FOOT:
        return ""
    texts = (one for one in feet.children(_STRING) if one.instance == _FOOT_TEXT)
    return " ".join(one.content.decode("utf-16-le", "replace") for one in texts)


def _placeholder(shape: Record) -> Record | None:
    return next((one for data in shape.children(_CLIENT_DATA) for one in data.children(_PLACEHOLDER)), None)


def _texts(found: list[Record]) -> list[_Text]:
    texts: list[_Text] = []
    for record in found:
        if record.kind == _TEXT_KIND:
            texts.append(_Text(record.numbers("<I")[0], ""))
        elif record.kind in (_TEXT, _BYTES) and texts:
            encoding = "utf-16-le" if record.kind == _TEXT else "latin-1"
            texts[-1] = texts[-1]._replace(text=record.content.decode(encoding, "replace"))
    return texts


def _texts_of(shape: Record, outline: list[_Text]) -> list[_Text]:
    """Return the shape's own texts, and those of the outline to which it refers."""
    found: list[_Text] = []
    for box in shape.children(_TEXT_BOX):
        inside = list(records(box.data, box.start, box.end))
        places = [record.numbers("<I")[0] for record in inside if record.kind == _LISTED_TEXT]
        found += [*_texts(inside), *(outline[place] for place in places if place < len(outline))]
    return found


def _box(shape: Record) -> Box:
    for record in shape.children(_CHILD_PLACE):
        return Box(*record.numbers("<4i"))
    for record in shape.children(_PLACE):
        top, left, right, bottom = record.numbers("<4h" if record.end - record.start < 16 else "<4i")
        return Box(left, top, right, bottom)
    return Box(0, 0, 0, 0)


def _property(shape: Record, kind: int, number: int) -> int:
    """Return the value of a property of the shape: they have a number and a value each."""
    for properties in shape.children(kind):
        for at in range(properties.instance):
            found, value = properties.numbers("<HI", at * 6)
            if found & 0x3FFF == number:
                return int(value)
    return 0


def _table_rows(group: Record) -> list[list[str]]:
    """Return the rows of a table, whose cells are shapes side by side. What covers several places is in each of them."""
    cells = []
    for shape in list(group.children(_SHAPE))[1:]:
        texts = _texts_of(shape, [])
        if texts:
            cells.append((_box(shape), " ".join(texts[0].text.replace("\x0b", "\r").split("\r"))))
    tops = sorted({box.top for box, _ in cells})
    lefts = sorted({box.left for box, _ in cells})
    rows = [[""] * len(lefts) for _ in tops]
    for box, text in cells:
        for y, top in enumerate(tops):
            for x, left in enumerate(lefts):
                if box.top <= top < box.bottom and box.left <= left < box.right:
                    rows[y][x] = text
    return rows if any(map(any, rows)) else []


def _comments(slide: Record, page: int) -> Iterator[Element]:
    for tag in slide.descendants(_TAG_DATA):
        for comment in records(tag.data, tag.start, tag.end):
            if comment.kind == _COMMENT:
                strings = {
                    one.instance: one.content.decode("utf-16-le", "replace")
                    for one in comment.children(_STRING)
                }
                if text := strings.get(1, "").strip():
                    yield element_builders.comment(text, strings.get(0, ""), page)
