"""Org and AsciiDoc."""

from __future__ import annotations

from tests.engines.reading import Read, outline

ORG = r"""#+TITLE: Handbook of *bees*
#+AUTHOR: Ada
* TODO Heading one :work:home:
:PROPERTIES:
:ID: 77
:END:
DEADLINE: <2024-05-01 Wed>
Body with *bold*, /it/, =code_x=, ~v~ and [[https://x.y][a link]], see[fn:1].
Second line\\
third. Path /usr/bin/x and 2*3*4.

** Lists
- one
  goes on
  - [X] nested
1. first
2) [@5] second
- Term :: its meaning

#+BEGIN_SRC python
  def f():
      return 1
#+END_SRC
#+begin_quote
Quoted words.
#+end_quote
#+BEGIN_COMMENT
unseen
#+END_COMMENT
: literal  text
:   more
#+CAPTION: The table
| a | b |
|---+---|
| 1 |   |
| x | y |
# comment
#+INCLUDE: "/etc/passwd"
-----
An inline[fn::with *text*] note. [[file:pic.png]]

[fn:1] The note
goes on.

[fn:2] No mark.

Last.
"""


def test_org(read: Read) -> None:
    document = read("a.org", ORG.encode())
    assert outline(document) == [
        ("title", "Handbook of bees"),
        ("title", "TODO Heading one"),
        (
            "text",
            "DEADLINE: 2024-05-01 Wed\nBody with bold, it, code_x, v and a link, see[1].\nSecond line\n"
            "third. Path /usr/bin/x and 2*3*4.",
        ),
        ("note", "[1] The note goes on."),
        ("title", "Lists"),
        ("list_item", "one\ngoes on"),
        ("list_item", "[X] nested"),
        ("list_item", "1. first"),
        ("list_item", "5) second"),
        ("list_item", "Term: its meaning"),
        ("code", "def f():\n    return 1"),
        ("text", "Quoted words."),
        ("code", "literal  text\n  more"),
        ("caption", "The table"),
        ("table", "a | b\n1\nx | y"),
        ("text", "An inline note."),
        ("note", "with text"),
        ("text", "Last."),
        ("note", "[2] No mark."),
    ]
    assert (document.metadata["title"], document.metadata["author"]) == ("Handbook of bees", "Ada")
    assert [element.header_rows for element in document.elements if element.kind == "table"] == [1]


ASCIIDOC = """// a remark
= The *Handbook*
Ada Keeper <ada@example.org>
v1.0, 2024-05-01
:product: Pump 9
:toc:

Read about {product}. See <<use,the use>>footnote:[Since _May_.], https://x.y/z[a page] and `code_x`.

[[use]]
== Use

.Steps
. Open
.. the lid
+
with care
. Close
* [x] done
Term:: its meaning

NOTE: Mind the gap.

[WARNING]
====
It is hot.
====

[source,python]
----
def f():
    return 1
----

....
literal  text
....

////
unseen
////

include::/etc/passwd[]
ifdef::x[]
image::a.png[A picture, 200]
endif::[]

[cols="1,1,1",options="header"]
|===
|a |b |c

|1
|2
|3
2+|both |x
.2+|tall |y |z
|y2 |z2
|===

'''

Press kbd:[F1], menu:File[Save], 10^3^ H~2~O, *bold* and _it_, snake_case_name.
"""


def test_asciidoc(read: Read) -> None:
    document = read("a.adoc", ASCIIDOC.encode())
    assert outline(document) == [
        ("title", "The Handbook"),
        ("text", "Read about Pump 9. See the use, a page and code_x."),
        ("note", "Since May."),
        ("title", "Use"),
        ("caption", "Steps"),
        ("list_item", "1. Open"),
        ("list_item", "1. the lid"),
        ("text", "with care"),
        ("list_item", "2. Close"),
        ("list_item", "[x] done"),
        ("list_item", "Term: its meaning"),
        ("text", "Note: Mind the gap."),
        ("text", "Warning:"),
        ("text", "It is hot."),
        ("code", "def f():\n    return 1"),
        ("code", "literal  text"),
        ("text", "A picture"),
        ("table", "a | b | c\n1 | 2 | 3\nboth | both | x\ntall | y | z\ntall | y2 | z2"),
        ("text", "Press F1, File > Save, 10³ H2O, bold and it, snake_case_name."),
    ]
    assert document.metadata["title"] == "The Handbook"
    assert [element.header_rows for element in document.elements if element.kind == "table"] == [1]


def test_asciidoc_tables_of_separated_values(read: Read) -> None:
    source = b'[%header,format=csv]\n|===\na,"b, c"\n1,2\n|===\n\n:===\nx:y\n:===\n\n|===\nno cells\n|===\n\nLast.\n'
    assert outline(read("a.adoc", source)) == [
        ("table", "a | b, c\n1 | 2"),
        ("table", "x | y"),
        ("text", "Last."),
    ]
