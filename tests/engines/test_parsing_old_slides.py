"""Presentations of the format before 2007, made of their records."""

from __future__ import annotations

import struct
import zlib

from engines.parsing.office.ole_writer import written
from tests.engines.reading import Read, outline, zipped

MASTER = 0x80000000


def record(kind: int, *content: bytes, instance: int = 0, atom: bool = False) -> bytes:
    data = b"".join(content)
    return struct.pack("<HHI", instance << 4 | (0 if atom else 0xF), kind, len(data)) + data


def atom(kind: int, form: str, *numbers: int, instance: int = 0) -> bytes:
    return record(kind, struct.pack(form, *numbers), instance=instance, atom=True)


def old_text(kind: int, text: str) -> bytes:
    return atom(3999, "<I", kind) + record(4000, text.encode("utf-16-le"), atom=True)


def old_shape(top: int, left: int, *content: bytes, size: int = 10) -> bytes:
    place = atom(0xF010, "<4h", top, left, left + size, top + size)
    return record(0xF004, place, record(0xF00D, *content) if content else b"")


def old_table(*cells: tuple[int, int, int, str]) -> bytes:
    """Cells have their row, their column, and the number of their rows."""
    facts = record(0xF004, atom(0xF122, "<HI", 0x39F, 1, instance=1), atom(0xF010, "<4h", 50, 0, 20, 70))
    shapes = [
        record(0xF004, atom(0xF00F, "<4i", x, y, x + 1, y + height), record(0xF00D, old_text(4, text)))
        for y, x, height, text in cells
    ]
    return record(0xF003, facts, *shapes)


def old_deck(
    *slides: tuple[bytes, bytes, int], embedded: bytes = b"", master: bytes = b"", foot: str = ""
) -> bytes:
    """Slides have their texts in the outline, their shapes, and whether they are hidden. `master` has shapes of all."""
    listed = [
        atom(1011, "<5I", number, 0, 0, 255 + number, 0) + outline
        for number, (outline, _, _) in enumerate(slides, 2)
    ]
    masters = atom(1011, "<5I", len(slides) + 2, 0, 0, MASTER, 0)
    foot_text = record(4026, foot.encode("utf-16-le"), instance=2, atom=True)
    feet = record(4057, atom(4058, "<HH", 0, 32 if foot else 0), foot_text, instance=3)
    document = record(1000, record(4080, *listed), record(4080, masters, instance=1), feet)
    found, places = b"", []
    objects = (
        [record(4113, struct.pack("<I", len(embedded)), zlib.compress(embedded), instance=1, atom=True)]
        if embedded
        else []
    )
    drawn = [old_slide(shapes, hidden) for _, shapes, hidden in slides]
    for container in (document, *drawn, old_slide(master, 0), *objects):
        places.append(len(found))
        found += container
    places_at = len(found)
    found += atom(6002, f"<I{len(places)}I", len(places) << 20 | 1, *places)
    user = atom(4086, "<III", 20, 0xE391C05F, len(found))
    found += atom(4085, "<IIIII", 0, 0, 0, places_at, 1)
    return written({("Current User",): user, ("PowerPoint Document",): found})


def old_slide(shapes: bytes, hidden: int) -> bytes:
    note = record(
        12000,
        *(
            record(4026, text.encode("utf-16-le"), instance=at, atom=True)
            for at, text in enumerate(("Ada", "Why?"))
        ),
    )
    tags = record(5000, record(5002, record(5003, note, atom=True)))
    own = record(0xF004)
    facts = atom(1007, "<5I2H", 0, 0, 0, MASTER, 0, 1, 0) + atom(1017, "<IIHHI", 0, 0, 0, hidden * 4, 0)
    return record(1006, facts, record(1036, record(0xF002, record(0xF003, own, shapes))), tags)


def test_old_presentations_are_read(read: Read) -> None:
    outline_text = old_text(0, "Harvest") + old_text(1, "Wheat\rRapeseed")
    shapes = (
        old_shape(200, 0, old_text(4, "At the foot"))
        + old_shape(30, 0, atom(3998, "<I", 1))
        + old_shape(0, 0, atom(3998, "<I", 0))
        + old_table(
            (0, 0, 1, "Shift"), (0, 1, 1, "Name"), (1, 0, 2, "Late"), (1, 1, 1, "Tomas"), (2, 1, 1, "Bo")
        )
    )
    document = read(
        "a.ppt",
        old_deck((old_text(0, "Backup"), old_shape(0, 0, atom(3998, "<I", 0)), 1), (outline_text, shapes, 0)),
    )
    assert outline(document) == [
        ("title", "Harvest"),
        ("list_item", "Wheat"),
        ("list_item", "Rapeseed"),
        ("table", "Shift | Name\nLate | Tomas\nLate | Bo"),
        ("text", "At the foot"),
        ("comment", "Comment by Ada: Why?"),
    ]
    assert {element.page for element in document.elements} == {2}
    assert document.metadata["hidden_parts"] == 1


def test_what_masters_of_old_presentations_write_is_read_once(read: Read) -> None:
    slide = (old_text(0, "Harvest"), old_shape(0, 0, atom(3998, "<I", 0)), 0)
    master = old_shape(0, 0, old_text(4, "Mill GmbH, *")) + old_shape(9, 0, old_text(4, "*"))
    document = read("a.ppt", old_deck(slide, slide, master=master, foot="Confidential"))
    assert [(one.page, one.kind, one.text) for one in document.elements if one.kind != "comment"] == [
        (1, "title", "Harvest"),
        (1, "footer", "Confidential"),
        (1, "footer", "Mill GmbH,"),
        (2, "title", "Harvest"),
    ]


def test_files_in_old_presentations_become_members(read: Read) -> None:
    data = old_deck(
        (old_text(0, "Prices"), old_shape(0, 0, atom(3998, "<I", 0)), 0), embedded=zipped({"a.txt": b"x"})
    )
    document = read("a.ppt", data)
    assert document.elements[0].text == "Prices"
    assert [member.path.read_bytes()[:2] for member in document.members] == [b"PK"]
