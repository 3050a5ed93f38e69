"""HTML pages: what is text, where it stands, and what is not seen."""

from __future__ import annotations

import pytest

from engines.parsing.markup import html
from tests.engines.markup import blocks
from tests.engines.reading import Read, texts


def shown(page: str) -> list[tuple[str, str]]:
    return blocks(html.elements(page))


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav><a href=/a>Home</a></nav>",
        "<aside><h3>Related</h3><a href=/x>Ten tips</a></aside>",
        "<header><a href=/>Home</a><ul class=menu><li><a href=/p>Products</a></ul></header>",
        "<div role=navigation><a href=/a>Older post</a></div>",
        "<div role=banner>ACME: heat for all</div>",
        "<div role=search><label>Search</label></div>",
        "<div id=cookie-banner><p>We use cookies.</p><a href=/c>Settings</a></div>",
        "<div class='gdpr consent-overlay'>Please agree.</div>",
        "<ol class='breadcrumb'><li><a href=/>Start</a><li><a href=/b>Boilers</a></ol>",
        "<div class='main-nav'><a href=/a>One</a> <a href=/b>Two</a></div>",
        "<a class='skip-link' href=#main>Jump to content</a>",
        "<footer><p>© 2024 ACME. Imprint.</p></footer>",
        "<div class=footer>© 2024 ACME</div>",
        "<dialog>Subscribe now</dialog>",
        "<button>Accept all</button>",
        "<i class='material-icons'>expand_more</i>",
        "<noscript>Enable JavaScript</noscript><style>p {}</style><script>x()</script>",
    ],
)
def test_what_surrounds_the_text_is_left_out(furniture: str) -> None:
    page = f"<body>{furniture}<main><h1>Guide</h1><p>Turn the valve.</main>{furniture}</body>"
    assert shown(page) == [("title1", "Guide"), ("text", "Turn the valve.")]


@pytest.mark.parametrize(
    "page",
    [
        "<header><h1>seen</h1></header>",
        "<article><header><p>seen</p></header></article>",
        "<main><aside>seen</aside></main>",
        "<aside class='admonition note'>seen</aside>",
        "<nav>seen</nav>",
        "<div class='cookie-recipes'><p>seen</p></div>",
        "<div class='sidebar'>seen</div>",
        "<blockquote><footer>seen</footer></blockquote>",
        "<div class='navigation'><main>seen</main></div>",
        "<details><summary>seen</summary></details>",
        "<span aria-hidden=true>seen</span>",
        "<p><svg><title>icon</title><text>seen</text></svg></p>",
        "<input value=seen>",
        "<select><option>One<option selected>seen</select>",
    ],
)
def test_the_main_text_is_kept(page: str) -> None:
    assert [text for _, text in shown(f"<body>{page}</body>")] == ["seen"]


def test_pages_inside_of_frames_are_read() -> None:
    frame = '<iframe srcdoc="<p>In &lt;b>the&lt;/b> frame.</p>">Old browser</iframe>'
    page = f"<p>Before.</p>{frame}<iframe src=x></iframe><p>After."
    assert shown(page) == [("text", "Before."), ("text", "In the frame."), ("text", "After.")]


def test_list_items_begin_with_their_numbers() -> None:
    page = (
        "<ol><li>Open<ul><li>use the key</ul><li><p>Take out</p><p>Clean</p><li value=7>Close<li>Lock</ol>"
        "<ol start=3 type=a><li>c</ol><ol reversed><li>two<li>one</ol><ol type=I><li>x<li>y</ol>"
        "<ol style='list-style: none'><li>plain</ol><ol start=28 type=a><li>z</ol>"
    )
    assert [text for _, text in shown(page)] == [
        *("1. Open", "use the key", "2. Take out", "Clean", "7. Close", "8. Lock"),
        *("c. c", "2. two", "1. one", "I. x", "II. y", "plain", "ab. z"),
    ]


def test_merged_cells_stand_in_each_place() -> None:
    page = """<table><caption>Rates</caption><thead><tr><th rowspan=2>Room<th colspan=2>Low<th colspan=2>High</tr>
    <tr><th>Week<th>Weekend<th>Week<th>Weekend</tr></thead><tfoot><tr><td colspan=5>in euro</tfoot>
    <tr><td rowspan=0>Double<td>80<td>95<td>110<td>130</tr><tr><td>75<td>90<td>100<td>120</tr></table>"""
    caption, table = html.elements(page)
    assert blocks([caption]) == [("caption", "Rates")]
    assert table.header_rows == 2
    assert table.text.split("\n") == [
        "Room | Low | Low | High | High",
        "Room | Week | Weekend | Week | Weekend",
        "Double | 80 | 95 | 110 | 130",
        "Double | 75 | 90 | 100 | 120",
        "Double | in euro | in euro | in euro | in euro",
    ]


def test_tables_inside_of_a_table_with_names_stay_in_their_cell() -> None:
    page = "<table><tr><th>Hall<th>Crew<tr><td>3<td><table><tr><td>Amber<td>05:40</table></table>"
    assert shown(page) == [("table", "Hall | Crew\n3 | Amber 05:40")]


def test_a_first_row_in_bold_names_the_columns() -> None:
    (table,) = html.elements("<table><tr><td><b>City</b><td><strong>Pop</strong><tr><td>Ulm<td>1</table>")
    assert (table.header_rows, table.text) == (1, "City | Pop\nUlm | 1")


def test_tables_that_arrange_a_page_are_no_tables() -> None:
    page = "<table role=presentation><tr><td>left<td>right</table>"
    assert shown(page) == [("text", "left"), ("text", "right")]


def test_formulas_stand_in_their_sentence() -> None:
    inline = "<math><mi>π</mi><msup><mi>r</mi><mn>2</mn></msup></math>"
    block = "<math display=block><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac></math>"
    katex = f"<span class=katex>{inline}<span class=katex-html aria-hidden=true>πr2</span></span>"
    page = f"<p>The area is {inline}.</p>{block}<p>Again {katex}.</p><script type='math/tex'>x_1</script>"
    assert shown(page) == [
        ("text", "The area is πr²."),
        ("formula", "(a + 1)/2"),
        ("text", "Again πr²."),
        ("text", "x_1"),
    ]


def test_raised_figures_and_fields_are_marked() -> None:
    page = (
        "<p>10<sup>3</sup> m, x<sup>n+1</sup>, the 5<sup>th</sup>, see<sup><a href=#n>4</a></sup>, <q>so</q>,"
        " <ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>"
        "<p><input type=checkbox checked>yes <input type=radio>no <input type=hidden value=x><input type=submit value=Go>"
    )
    assert [" ".join(text.split()) for _, text in shown(page)] == [
        "10³ m, x^(n+1), the 5th, see[4], “so”, 東京",
        "[x] yes [ ] no",
    ]


def test_addresses_of_files_and_mailboxes_follow_their_words() -> None:
    page = (
        "<base href='https://example.org/forms/'><p><a href='F-22.pdf'>leave form</a>,"
        " <a href='mailto:hr@example.org?s=1'>HR</a>,"
        " <a href='mailto:a@b.c'>a@b.c</a>, <a href='/page'>a page</a>, <a href='tel:+491'>call</a>"
    )
    assert [text for _, text in shown(page)] == [
        "leave form (https://example.org/forms/F-22.pdf), HR (hr@example.org), a@b.c, a page, call (+491)"
    ]


def test_notes_follow_what_has_their_mark() -> None:
    page = (
        "<p>Paid<a href=#fn1 role=doc-noteref><sup>1</sup></a> in May.</p><p>Next.</p>"
        "<section role=doc-endnotes><ol><li id=fn1><p>Less the fee.<a href=#r1 role=doc-backlink>↩</a></p>"
        "</li></ol></section>"
    )
    assert shown(page) == [("text", "Paid[1] in May."), ("note", "[1] Less the fee."), ("text", "Next.")]


def test_rules_of_style_sheets_hide(read: Read) -> None:
    page = (
        "<style>/* .a {} */ .draft, p#old { display: none } @media print { .seen { display: none } }</style>"
        "<p class='x draft'>unseen</p><p id=old>unseen</p><p class=seen>seen</p><p hidden>unseen</p><p>more to see here</p>"
    )
    document = read("a.html", page.encode())
    assert texts(document) == "seen\nmore to see here"
    assert document.metadata["hidden_parts"] == 3


def test_pages_that_programs_show_are_read() -> None:
    assert shown(
        "<style>body .x, .app { display: none }</style><div class=app><p>All of the text.</div>"
    ) == [("text", "All of the text.")]
