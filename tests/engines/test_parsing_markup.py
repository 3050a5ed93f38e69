"""Markdown, HTML and reStructuredText, which OYL parses itself."""

from __future__ import annotations

from pathlib import Path

from engines.parsing import html, markdown
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
        ("text", "Note:\nMind the gap."),
        ("list_item", "first\ngoes on"),
        ("list_item", "second"),
        ("code", "def f(): # not a heading"),
        ("table", "a | b\n1 | x|y"),
    ]


def test_markdown_keeps_underscores_in_names() -> None:
    assert (
        markdown.strip_markup("call `a_b` or snake_case_name, _really_ **so**")
        == "call a_b or snake_case_name, really so"
    )


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
