"""Answers as HTML: what a model writes is never HTML, an image, or a link that no source has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.admin.answer_html import answer_html, quotation_html

SOURCE = "See https://example.org/guide for more."
CITE = '<a class="oyl-cite" href="#s-1" aria-label="Source 1">1</a>'


def html(text: str, *weak: tuple[int, int], cited: tuple[int, ...] = (1,)) -> str:
    sentences = [{"start": start, "end": end, "reason": "Not there."} for start, end in weak]
    return str(answer_html(text, anchor="s", cited=cited, sources=[SOURCE], weak=sentences))


def marked(text: str) -> str:
    return f'<mark class="oyl-weak" title="Its sources may not support this. Not there.">{text}</mark>'


def test_marks_lead_to_their_sources():
    assert html("They dance [1], and [2].") == f"<p>They dance {CITE}, and [2].</p>\n"
    assert html("[1]: https://evil.example\n\nThey dance [1].").count(CITE) == 2


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://evil.example/p.png)",
        "![pixel][1]\n\n[1]: https://evil.example/p.png",
        "[click](javascript:alert(1))",
        "[click](https://evil.example)",
        "[click](https://example.org/guide/../evil)",
        "<https://evil.example>",
        '[click](//evil.example "x")',
        "[click](data:text/html,x)",
        "<form action=https://evil.example><input></form>",
    ],
)
def test_nothing_foreign_is_rendered(text: str):
    found = html(text).replace(CITE, "")
    assert not re.search(r"<(?!/?(p|code|pre|em|strong)\b)", found), found


def test_a_link_whose_address_a_source_has_is_one():
    found = html("[the guide](https://example.org/guide)")
    assert 'href="https://example.org/guide" target="_blank" rel="noopener noreferrer nofollow"' in found
    assert "<a" not in html("[the guide](https://example.org/guide?secret=1)")


def test_weak_sentences_are_marked_across_emphasis_and_lists():
    text = "They dance. They **shout** loudly. They rest."
    start, end = text.index("They **"), text.index(" They rest")
    found = html(text, (start, end))
    assert found == (
        f"<p>They dance. {marked('They ')}<strong>{marked('shout')}</strong>{marked(' loudly.')} They rest.</p>\n"
    )
    assert html("- One.\n- Two.", (7, 13)) == f"<ul>\n<li>One.</li>\n<li>{marked('Two.')}</li>\n</ul>\n"
    table = html("| a | b |\n|---|---|\n| 1 | 2 |", (20, 29))
    assert f"<td>{marked('1')}</td>\n<td>{marked('2')}</td>" in table
    assert html("**All of it.**", (0, 14)) == f"<p><strong>{marked('All of it.')}</strong></p>\n"


def test_tables_headings_and_code_are_kept():
    found = html("# Bees\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx < y [1]\n```\n\n~~old~~ `a<b`")
    assert '<p class="oyl-answer-heading">Bees</p>' in found and "<td>2</td>" in found
    assert f"x &lt; y {CITE}" in found and "<s>old</s>" in found and "<code>a&lt;b</code>" in found


def test_quotations_are_no_markdown():
    found = quotation_html("*Two* # words <b> [1]\n\n- next [1]", anchor="s", cited={1})
    assert found == f"<blockquote><p>*Two* # words &lt;b&gt; {CITE}</p>\n\n<p>- next {CITE}</p></blockquote>"


PARTS = [*"ab *_`#>-|[]()!<&\"'\n\u2e28\u2e29\0\\1.:/", "&#x2e28;", "&#x2E29;", "&#0011816;", "&#11817;"]


@given(text=st.lists(st.sampled_from(PARTS), max_size=40).map("".join), data=st.data())
def test_any_text_is_rendered_without_foreign_tags(text: str, data: Any):
    places = sorted(data.draw(st.lists(st.integers(0, len(text) + 2), min_size=2, max_size=6)))
    weak = list(zip(places[::2], places[1::2], strict=False))
    found = html(text, *weak)
    tags = set(re.findall(r"<\s*/?\s*([a-z0-9]*)", found))
    known = "p a mark strong em code pre ul ol li blockquote hr br s div table thead tbody tr th td"
    assert tags <= set(known.split()), found
    assert found.count("<mark") == found.count("</mark>")
