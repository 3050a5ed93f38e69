"""EPUB: chapters in the order of the spine, and notes at their marks."""

from __future__ import annotations

import pytest

from engines.parsing import ElementKind, PageKind, ParseError
from tests.engines.reading import Read, zipped

XHTML = "application/xhtml+xml"


def epub(
    chapters: dict[str, str], spine: list[str] | None = None, parts: dict[str, str] | None = None
) -> bytes:
    """Return a book with these pages, in the order of the spine."""
    ids = {name: f"i{number}" for number, name in enumerate(chapters)}
    items = "".join(f'<item id="{ids[name]}" href="{name}" media-type="{XHTML}"/>' for name in chapters)
    order = "".join(f'<itemref idref="{ids[name]}"/>' for name in spine or chapters)
    about = "<metadata><dc:title xmlns:dc='x'>Tales</dc:title><dc:creator xmlns:dc='x'>A. Writer</dc:creator></metadata>"
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            "OPS/book.opf": f"<package>{about}<manifest>{items}</manifest><spine>{order}</spine></package>",
            **{f"OPS/{name}": f"<html><body>{body}</body></html>" for name, body in chapters.items()},
            **(parts or {}),
        }
    )


def test_chapters_are_pages_in_the_order_of_the_spine(read: Read) -> None:
    chapters = {
        "a.xhtml": "<h1>Two</h1><p>Herons.</p>",
        "z.xhtml": "<h1>One</h1><ol start='3'><li>Ferry</li></ol>",
    }
    document = read("a.epub", epub(chapters, ["z.xhtml", "a.xhtml"]))
    assert document.page_kind is PageKind.CHAPTER
    assert [(e.kind, e.text, e.page) for e in document.elements] == [
        (ElementKind.TITLE, "One", 1),
        (ElementKind.LIST_ITEM, "3. Ferry", 1),
        (ElementKind.TITLE, "Two", 2),
        (ElementKind.TEXT, "Herons.", 2),
    ]
    assert (document.metadata["title"], document.metadata["author"]) == ("Tales", "A. Writer")


@pytest.mark.parametrize(
    ("mark", "note"),
    [
        (
            '<a epub:type="noteref" href="#n">1</a>',
            '<aside epub:type="footnote" id="n"><p>In June.</p></aside>',
        ),
        ('<sup><a id="r" href="#n">1</a></sup>', '<p><a id="n" href="#r">1</a>. In June.</p>'),
    ],
    ids=["marked", "unmarked"],
)
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_notes_follow_their_mark(read: Read, mark: str, note: str, is_elsewhere: bool) -> None:
    if is_elsewhere:
        mark, note = (
            mark.replace('href="#n"', 'href="notes.xhtml#n"'),
            note.replace('href="#r"', 'href="one.xhtml#r"'),
        )
    chapters = {
        "one.xhtml": f"<p>It left at dawn{mark}.</p><p>Later.</p>",
        "notes.xhtml": note,
        "two.xhtml": "<p>Two.</p>",
    }
    if not is_elsewhere:
        chapters["one.xhtml"] += chapters.pop("notes.xhtml")
    found = read("a.epub", epub(chapters)).elements
    assert [(e.kind, e.text, e.page) for e in found] == [
        (ElementKind.TEXT, "It left at dawn[1].", 1),
        (ElementKind.NOTE, "[1] In June.", 1),
        (ElementKind.TEXT, "Later.", 1),
        (ElementKind.TEXT, "Two.", 2),
    ]


def test_missing_chapters_are_named(read: Read) -> None:
    data = epub({"one.xhtml": "<p>One.</p>", "two.xhtml": ""})
    document = read("a.epub", data.replace(b"OPS/two.xhtml", b"OPS/gone.html"))
    assert document.warnings_by_code == {"unread_parts": "Parts of the file were not read: OPS/two.xhtml."}


def test_protected_book_is_refused(read: Read) -> None:
    encryption = '<encryption><CipherReference URI="OPS/one.xhtml"/></encryption>'
    with pytest.raises(ParseError) as caught:
        read("a.epub", epub({"one.xhtml": "x"}, parts={"META-INF/encryption.xml": encryption}))
    assert caught.value.code == "password_protected"


def test_protected_fonts_do_not_matter(read: Read) -> None:
    encryption = '<encryption><CipherReference URI="OPS/font.otf"/></encryption>'
    document = read(
        "a.epub", epub({"one.xhtml": "<p>Words.</p>"}, parts={"META-INF/encryption.xml": encryption})
    )
    assert [element.text for element in document.elements] == ["Words."]


def test_book_without_a_list_of_chapters_is_read_by_names(read: Read) -> None:
    data = epub({"2.xhtml": "<p>Two.</p>", "1.xhtml": "<p>One.</p>"}, parts={"OPS/book.opf": "<package"})
    document = read("a.epub", data)
    assert [element.text for element in document.elements] == ["One.", "Two."]
    assert "OPS/book.opf" in document.warnings_by_code["unread_parts"]
