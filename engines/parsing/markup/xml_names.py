"""What the elements of common XML vocabularies are: JATS, DocBook, DITA, TEI, patents, FictionBook, XHTML."""

from __future__ import annotations

PARAGRAPHS = frozenset(
    (
        *(
            "p",
            "para",
            "simpara",
            "paragraph",
            "ptext",
            "shortdesc",
            "v",
            "verse",
            "claim-text",
            "mixed-citation",
        ),
        *("element-citation", "bibl", "biblioentry", "citation", "h1", "h2", "h3", "h4", "h5", "h6"),
    )
)
# Whose children say themselves where spaces are.
LINES = frozenset(
    (
        "p",
        "para",
        "simpara",
        "paragraph",
        "ptext",
        "hil",
        "title",
        "article-title",
        "td",
        "entry",
        "claim-text",
    )
)
TITLES = frozenset(
    ("title", "head", "heading", "headline", "h1", "h2", "h3", "h4", "article-title", "subtitle", "name")
)
SECTIONS = frozenset(
    (
        *(
            "sec",
            "section",
            "sect1",
            "sect2",
            "sect3",
            "sect4",
            "chapter",
            "div",
            "div1",
            "div2",
            "div3",
            "part",
        ),
        *(
            "appendix",
            "app",
            "topic",
            "concept",
            "task",
            "reference",
            "abstract",
            "ref-list",
            "ack",
            "book",
            "article",
        ),
    )
)
TABLES = frozenset(("table", "informaltable", "simpletable", "tgroup"))
NOTES = frozenset(("footnote", "fn", "endnote"))
ITEMS = frozenset(("li", "listitem", "list-item", "item", "step", "varlistentry"))
CODE = frozenset(("programlisting", "screen", "codeblock", "pre", "literallayout", "preformat"))
FORMULAS = frozenset(("disp-formula", "equation", "informalequation"))
# What stands in a paragraph and is no part of its line.
BLOCKS = (
    TABLES
    | NOTES
    | ITEMS
    | CODE
    | frozenset(("fig", "figure", "table-wrap", "boxed-text", "list", "ul", "ol", "dl"))
)
LEFT_OUT = frozenset(
    (
        "script",
        "style",
        "stylesheet",
        "binary",
        "tex-math",
        "object-id",
        "col",
        "colspec",
        "binarydata",
        "bindata",
    )
)
# What is no data, wherever it stands.
TEXTS = LEFT_OUT | TITLES | PARAGRAPHS | TABLES | CODE | NOTES | FORMULAS | {"label"}
