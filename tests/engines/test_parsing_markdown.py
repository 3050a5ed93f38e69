"""Markdown: what its renderers show."""

from __future__ import annotations

import pytest

from engines.parsing.markup import markdown
from tests.engines.markup import blocks
from tests.engines.reading import Read, outline, texts


def shown(source: str) -> list[tuple[str, str]]:
    return blocks(markdown.elements(source))


def test_notes_follow_their_marks() -> None:
    source = "Paid[^a] in May^[By cheque.] or so[^a].\n\nNext.\n\n[^a]: Less *the* fee.\n\n    And more.\n\n[^b]: No mark."
    assert shown(source) == [
        ("text", "Paid[a] in May or so[a]."),
        ("note", "[a] Less the fee.\nAnd more."),
        ("note", "By cheque."),
        ("text", "Next."),
        ("note", "[b] No mark."),
    ]


def test_list_items_have_the_numbers_that_are_shown() -> None:
    source = "3. c\n1. d\n   - [ ] open\n   - [x] done\n\n     more\n1. e\n\n0) zero\n\nTerm\n: Meaning"
    assert [text for _, text in shown(source)] == [
        *("3. c", "4. d", "[ ] open", "[x] done", "more", "5. e", "0) zero", "Term", "Meaning"),
    ]


@pytest.mark.parametrize(
    "table",
    [
        "| a | b |\n|---|:-:|\n| 1 | x |",
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>x</td></tr></table>",
        "<table>\n\n<tr><th>a</th><th>b</th></tr>\n\n<tr>\n<td>1</td>\n\n<td>x</td></tr>\n\n</table>\n",
    ],
)
def test_tables_are_tables(table: str) -> None:
    before, element, after = markdown.elements(f"before\n\n{table}\n\nafter")
    assert (element.text, element.header_rows) == ("a | b\n1 | x", 1)
    assert (before.text, after.text) == ("before", "after")


def test_code_is_kept_as_it_stands() -> None:
    source = "````\n```\ninner\n```\n````\n\n    indented\n      more\n\n~~~py\ndef f(): # <b> [[x]]\n~~~"
    assert shown(source) == [
        ("code", "```\ninner\n```"),
        ("code", "indented\n  more"),
        ("code", "def f(): # <b> [[x]]"),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("call `a_b`, snake_case_name, _really_ **so**", "call a_b, snake_case_name, really so"),
        ("__init__.py and 2*x*y but **un**seen", "__init__.py and 2*x*y but unseen"),
        ("[[Page|words]], [[Page]] and ![[file.png]]", "words, Page and file.png"),
        ("==marked== %%hidden%% a == b", "marked a == b"),
        ("H<sub>2</sub>O, 10<sup>3</sup>, <kbd>Esc</kbd><br>next <b hidden>no</b>", "H2O, 10³, Esc\nnext"),
        (
            "[words](http://x.y/z_(a)), <https://a.b/c_d>, ![a picture](p.png)",
            "words, https://a.b/c_d, a picture",
        ),
        ("so $E = m_1 * c_2$ holds", "so E = m_1 * c_2 holds"),
        ("it costs $5 or $6", "it costs $5 or $6"),
        ("> [!WARNING]\n> Mind the gap.", "Warning: \nMind the gap."),
        (":::tip My way\nGo on.\n:::", "Tip: My way\nGo on."),
        ("a &amp; b \\*c\\*", "a & b *c*"),
    ],
)
def test_lines_have_their_words(source: str, text: str) -> None:
    assert [" ".join(found.split()) for _, found in shown(source)] == [" ".join(text.split())]


def test_html_inside_is_read_as_such() -> None:
    source = "<details>\n<summary>Why</summary>\n\nAir *stops* it.\n\n</details>\n\n"
    source += "<h2 align=center>Part</h2>\n\n<!-- no -->"
    assert shown(source) == [("text", "Why"), ("text", "Air stops it."), ("title2", "Part")]


def test_components_have_their_titles(read: Read) -> None:
    source = "import Tabs from '@theme/Tabs';\n\n# Use\n\n{/* no */}\n\n"
    source += "<TabItem value='l' label='Linux'>\n\nRun it.\n\n</TabItem>\n"
    assert outline(read("a.mdx", source.encode())) == [
        ("title", "Use"),
        ("text", "Linux"),
        ("text", "Run it."),
    ]


def test_formulas_of_their_own_are_formulas() -> None:
    assert shown("# T {#id}\n\n$$\nE = m c^2\n$$") == [("title1", "T"), ("formula", "E = m c^2")]


def test_front_matter_of_hugo_is_metadata() -> None:
    assert markdown.split_front_matter('+++\ntitle = "T"\n+++\ntext') == ({"title": "T"}, "text")


def test_front_matter_that_no_reader_unfolds_is_kept_apart(read: Read) -> None:
    assert texts(read("a.md", b"---\na: " + b"[" * 20_000 + b"\n---\n\nText.\n")) == "Text."
