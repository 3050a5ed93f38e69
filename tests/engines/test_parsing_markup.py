"""Markdown, HTML and reStructuredText, which OYL parses itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.parsing.markup import html, markdown
from tests.engines.markup import blocks, read_rst


def test_markdown_blocks() -> None:
    source = """# One

Two
---

Some *emphasis*, `code_span` and a
[link](http://x.y/z_(a)) with ![a picture](p.png).

> [!NOTE]
> Mind the gap.

1. first
   goes on
2. second

```python
def f(): # not a heading
```

| a | b |
|---|:-:|
| 1 | x\\|y |

<!-- hidden -->
"""
    assert blocks(markdown.elements(source)) == [
        ("title1", "One"),
        ("title2", "Two"),
        ("text", "Some emphasis, code_span and a\nlink with a picture."),
        ("text", "Note: \nMind the gap."),
        ("list_item", "1. first\ngoes on"),
        ("list_item", "2. second"),
        ("code", "def f(): # not a heading"),
        ("table", "a | b\n1 | x|y"),
    ]


def test_front_matter_is_metadata() -> None:
    metadata, body = markdown.split_front_matter(
        '---\ntitle: "T: x"\ntags: ["a", "b"]\nmore:\n  - c\n---\ntext'
    )
    assert metadata == {"title": "T: x", "tags": ["a", "b"], "more": ["c"]}
    assert body == "text"


def test_html_has_what_a_browser_shows() -> None:
    source = """<html lang="de"><head><title>Seite</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a></nav><h1>Report</h1><script>alert(1)</script>
    <p>Some <b>bold</b>\n text<br>and more &amp; more<!-- no --> here.</p>tail
    <ul><li>one<ul><li>two</li></ul></li></ul>
    <table><tr><th>a</th><th>b</th></tr><tr><td>1<br>2</td><td>3</td></tr></table>
    <table><tr><td><h2>Layout</h2><p>Cell text</p></td></tr></table>
    <div style="display: none">unseen</div><pre>x =\n  1</pre></body></html>"""
    assert blocks(html.elements(source)) == [
        ("title1", "Report"),
        ("text", "Some bold text\nand more & more here."),
        ("text", "tail"),
        ("list_item", "one"),
        ("list_item", "two"),
        ("table", "a | b\n1 2 | 3"),
        ("title2", "Layout"),
        ("text", "Cell text"),
        ("code", "x =\n  1"),
    ]


@pytest.mark.parametrize(
    "opening",
    [
        *(
            "<p hidden>",
            "<p style='DISPLAY : none'>",
            "<p style='visibility:hidden'>",
            "<p style='opacity:0.0'>",
        ),
        *("<p style='font-size:0'>", "<p style='font-size: 1px !important'>", "<div style='font-size:0'><p>"),
        *("<p style='color:#fff'>", "<p style='color:white;background:#FEFEFE'>", "<font color=white>"),
        *("<div style='background:navy'><p style='color:#000080'>", "<p style='color:transparent'>"),
        *("<p style='position:absolute;left:-9999px'>", "<p style='text-indent:-9999px'>"),
        *("<p style='position:absolute;clip:rect(0,0,0,0)'>", "<p style='max-height:0;overflow:hidden'>"),
        "<p style='mso-hide:all'>",
    ],
)
def test_html_leaves_out_what_no_reader_sees(opening: str) -> None:
    page = f"<body><p>before</p>{opening}unseen <b>words <img alt='unseen'></b></p></div></font><p>after</p>"
    assert [text for _, text in blocks(html.elements(page))] == ["before", "after"]


@pytest.mark.parametrize(
    "page",
    [
        "<td style='font-size:0'><div style='font-size:13px'>seen</div></td>",
        "<div style='visibility:hidden'><p style='visibility:visible'>seen</p></div>",
        "<div bgcolor='#003366'><p style='color:white'>seen</p></div>",
        "<div style='background:url(a.png)'><p style='color:white'>seen</p></div>",
        "<style>.dark {background: black}</style><p class='dark' style='color:white'>seen</p>",
        "<body bgcolor=black text=white><p>seen</p>",
        "<body bgcolor=black text=white><p style='color:black'><a href=x>seen</a></p>",
        "<p style='color:#ddd;font-size:0.9em'>seen</p>",
        "<p style='text-indent:-20px;overflow:hidden;width:10px'>seen</p>",
        "<p style='color:rgb(1e9);font-size:calc(0px);background:none;:;opacity:'>seen</p>",
    ],
)
def test_html_keeps_what_a_style_does_not_hide(page: str) -> None:
    assert [text for _, text in blocks(html.elements(page))] == ["seen"]


def test_rst_blocks(tmp_path: Path) -> None:
    source = """PEP: 8
Title: A Guide

Top
===

See :pep:`20` and `the site <http://x.y>`_, ``a_b`` or **more**. Then::

    code here

Sub
---

- item one
  goes on
- item two

.. note:: Take care.

.. include:: /etc/passwd

.. raw:: html
   :file: /etc/passwd

.. a comment

term
    its meaning

=====  =====
Left   Right
=====  =====
1      2
=====  =====

+---+---+
| a | b |
+===+===+
| 3 | 4 |
+---+---+
"""
    elements, metadata = read_rst(source, tmp_path)
    assert elements == [
        ("text", "PEP: 8"),
        ("text", "Title: A Guide"),
        ("title1", "Top"),
        ("text", "See PEP 20 and the site, a_b or more. Then:"),
        ("code", "code here"),
        ("title2", "Sub"),
        ("list_item", "item one\ngoes on"),
        ("list_item", "item two"),
        ("text", "Take care."),
        ("text", "term\nits meaning"),
        ("table", "Left | Right\n1 | 2"),
        ("table", "a | b\n3 | 4"),
    ]
    assert metadata == {"pep": "8", "title": "A Guide"}


RST = """.. |ver| replace:: 9.2

Title
=====

Version |ver| is out [1]_ and [#]_ with [CIT2002]_.

1. first
2. second

   nested para
#. auto
#. more
- bullet

.. figure:: a.png
   :alt: A picture

   The caption here.

.. csv-table:: Prices
   :header: "Item", "Price"

   "Jar, big", 7.9
   Spoon, 1

.. list-table::
   :header-rows: 1

   * - a
     - b
   * - 1
     - two
       lines

+-------+-----------+
| a     | b         |
+=======+=====+=====+
| both        | c   |
+-------+-----+-----+
| 1     | 2   | 3   |
+-------+-----+-----+

.. math:: E = m c^2

.. [1] Note one
   goes on.
.. [#] Auto note.
.. [CIT2002] A citation.
"""


def test_rst_notes_tables_and_numbers(tmp_path: Path) -> None:
    elements, _ = read_rst(RST, tmp_path)
    assert elements == [
        ("title1", "Title"),
        ("text", "Version 9.2 is out [1] and [#] with [CIT2002]."),
        ("note", "[1] Note one goes on."),
        ("note", "[#] Auto note."),
        ("note", "[CIT2002] A citation."),
        *(("list_item", text) for text in ("1. first", "2. second")),
        ("text", "nested para"),
        *(("list_item", text) for text in ("1. auto", "2. more", "bullet")),
        ("text", "A picture"),
        ("caption", "The caption here."),
        ("caption", "Prices"),
        ("table", "Item | Price\nJar, big | 7.9\nSpoon | 1"),
        ("table", "a | b\n1 | two lines"),
        ("table", "a | b | b\nboth | both | c\n1 | 2 | 3"),
        ("formula", "E = m c^2"),
    ]
