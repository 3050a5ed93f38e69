"""The chunker, with the real tokenizer."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.embedding import tokens
from engines.parsing import Element, ElementKind, PageKind
from knowledge.pipeline.chunking import ChunkedDocument, chunk, embedding_input

BUDGET = 64


def title(text: str, level: int = 1, page: int | None = None) -> Element:
    return Element(kind=ElementKind.TITLE, text=text, level=level, page=page)


def text(content: str, kind: ElementKind = ElementKind.TEXT, page: int | None = None) -> Element:
    return Element(kind=kind, text=content, page=page)


def sentences(count: int) -> str:
    return " ".join(f"Here is sentence number {number}." for number in range(count))


def chunked(*elements: Element, max_tokens: int = BUDGET) -> ChunkedDocument:
    document = chunk(elements, counter=tokens, max_tokens=max_tokens)
    assert_sound(document, max_tokens)
    return document


def assert_sound(document: ChunkedDocument, max_tokens: int) -> None:
    """Assert what holds for every document. Only the lines that name a table's columns may be repeated."""
    covered = 0
    for position, item in enumerate(document.chunks):
        assert item.position == position
        assert item.text.endswith(document.text[item.start : item.end]) and item.end > item.start
        repeated = item.text[: len(item.text) - (item.end - item.start)]
        assert not repeated or (repeated.endswith("\n") and repeated in document.text[: item.start])
        assert not document.text[covered : item.start].strip()
        covered = item.end
    assert not document.text[covered:].strip()
    inputs = [embedding_input(item) for item in document.chunks]
    assert all(count <= max_tokens for count in tokens.count_tokens(inputs))
    counts = tokens.count_tokens([item.text for item in document.chunks])
    assert counts == [item.token_count for item in document.chunks]


def texts(document: ChunkedDocument) -> list[str]:
    return [item.text for item in document.chunks]


def test_small_document_is_one_chunk():
    document = chunked(title("Invoices", page=1), text("They are due in thirty days.", page=1))
    assert texts(document) == ["Invoices\n\nThey are due in thirty days."] == [document.text]
    assert document.chunks[0].heading_path == ("Invoices",)
    assert document.chunks[0].page == 1


@pytest.mark.parametrize("elements", [(), (text("  \n "),)])
def test_empty_elements_have_no_chunks(elements: Sequence[Element]):
    assert chunked(*elements) == ChunkedDocument(text="", chunks=())


def test_sections_start_chunks_with_heading_paths():
    document = chunked(
        title("Manual"),
        title("Install", 2),
        text(sentences(7)),
        title("Use", 2, page=4),
        text(sentences(7), page=5),
    )
    install, use = document.chunks
    assert install.text.startswith("Manual\n\nInstall\n\nHere")
    assert use.text.startswith("Use\n\nHere")
    assert (install.heading_path, use.heading_path) == (("Manual", "Install"), ("Manual", "Use"))
    assert use.page == 4


def test_embedding_input_has_each_title_once():
    document = chunked(title("Manual"), title("Use", 2), text(sentences(15)))
    first, second, *_ = document.chunks
    assert embedding_input(first) == first.text
    assert embedding_input(second) == f"Manual\nUse\n{second.text}"


def test_each_small_section_is_a_chunk_with_its_own_title():
    sections = [(title(f"What is {number}?", 2), text("A few words.")) for number in range(6)]
    document = chunked(title("Questions"), *(element for section in sections for element in section))
    assert [item.heading_path[-1] for item in document.chunks] == [
        f"What is {number}?" for number in range(6)
    ]
    assert document.chunks[0].text.startswith("Questions\n\nWhat is 0?")


def test_chunk_has_the_pages_of_its_first_and_last_word():
    half = text("It begins here and", page=1)
    rest = Element(ElementKind.TEXT, "ends there.", page=2, continues=True)
    document = chunked(title("One", page=1), half, rest, title("Two", page=2), text("More.", page=3))
    assert texts(document) == ["One\n\nIt begins here and ends there.", "Two\n\nMore."]
    assert [(item.page, item.last_page) for item in document.chunks] == [(1, 2), (2, 3)]


def test_pages_share_a_chunk_only_in_a_paragraph():
    pages = [text(f"The text of page {number}.", page=number) for number in range(1, 4)]
    pages.append(Element(ElementKind.TEXT, "and more of it.", page=4, continues=True))
    document = chunked(*pages)
    assert texts(document) == [
        "The text of page 1.",
        "The text of page 2.",
        "The text of page 3. and more of it.",
    ]
    assert [(item.page, item.last_page) for item in document.chunks] == [(1, 1), (2, 2), (3, 4)]


@pytest.mark.parametrize("kind", [PageKind.SLIDE, PageKind.SHEET, PageKind.CHAPTER])
def test_no_chunk_runs_over_a_slide_a_sheet_or_a_chapter(kind: PageKind):
    slides = [text(f"Slide {number}.", page=number) for number in range(1, 4)]
    slides[1:1] = [title("A title of the first", page=1)]
    document = chunk(slides, counter=tokens, max_tokens=BUDGET, page_kind=kind)
    assert texts(document) == ["Slide 1.", "A title of the first", "Slide 2.", "Slide 3."]
    assert [item.page for item in document.chunks] == [1, 1, 2, 3]
    assert document.chunks[2].heading_path == ()


def test_title_never_ends_a_chunk():
    document = chunked(title("One"), text(sentences(6)), title("Two"), title("Below", 2), text(sentences(8)))
    assert not any(item.text.endswith(("Two", "Below")) for item in document.chunks)


def test_long_paragraph_is_cut_between_sentences():
    document = chunked(text(sentences(25)))
    assert all(item.text.startswith("Here") and item.text.endswith(".") for item in document.chunks)
    counts = [item.token_count for item in document.chunks]
    assert min(counts) > BUDGET / 3 and len(counts) <= 4


def test_long_sentence_is_cut_between_words():
    document = chunked(text("word " * 200))
    assert all(set(item.text.split()) == {"word"} for item in document.chunks)


def test_table_that_fits_is_not_cut():
    table = "\n".join(f"row {number} | cell" for number in range(12))
    document = chunked(text(sentences(6)), text(table, ElementKind.TABLE), text(sentences(6)))
    assert any(table in item.text for item in document.chunks)


def test_long_table_is_cut_between_rows():
    rows = [f"row {number} | cell. Cell" for number in range(60)]
    document = chunked(text("\n".join(rows), ElementKind.TABLE))
    assert [row for item in document.chunks for row in item.text.split("\n")] == rows


def test_each_part_of_a_long_table_begins_with_its_header():
    rows = ["Part | Weight", "name | kg", *(f"wheel {number} | {number} kg" for number in range(60))]
    table = Element(ElementKind.TABLE, "\n".join(rows), header_rows=2)
    document = chunked(title("Stock"), table, text("After the table."))
    first, *others = document.chunks
    assert len(others) > 3 and first.text.startswith("Stock\n\nPart | Weight\nname | kg\nwheel 0")
    assert all(item.text.startswith("Part | Weight\nname | kg\nwheel ") for item in others)
    own = [line for item in document.chunks for line in document.text[item.start : item.end].split("\n")]
    assert [line for line in own if "|" in line] == rows


def test_header_that_leaves_no_room_is_not_repeated():
    names = " | ".join(f"column {number}" for number in range(20))
    table = Element(ElementKind.TABLE, "\n".join([names, *["cell | cell"] * 40]), header_rows=1)
    assert not any(names in item.text for item in chunked(table).chunks[2:])


def test_long_cell_is_cut_between_sentences():
    table = Element(ElementKind.TABLE, f"Text | {sentences(30)}")
    assert all(item.text.endswith(".") for item in chunked(table).chunks)


@pytest.mark.parametrize(
    "sentence",
    [
        "They met Prof. Lind and Dr. Weiss on St. Mary Street",
        "It is in Fig. 3 on p. 12 of Sec. 4 by J. R. Smith of the U.S. Army",
        "Das gilt z. B. für Nr. 7, d. h. ab dem 3. Mai und bzgl. Abs. 2 sagt er",
        "Voir p. ex. M. Durand et Mme. Petit, av. de la Gare, art. 5 du code",
        "Según el Sr. López y la Sra. Ruiz, pág. 8, núm. 3 del libro",
        "Il sig. Rossi e la dott. Bianchi, pag. 4, art. 7 del testo",
        "O Sr. Silva e a Dra. Costa, pág. 2, n. 5 do texto",
        "De heer dr. Jansen, o.a. in art. 3, blz. 9, bijv. De Wit",
        "Pan prof. Nowak, ul. Polna, nr. 5, str. 8, np. Lublin",
        "Письмо от проф. Иванова на ул. Мира, стр. 5, им. Кирова",
        "Enligt t.ex. Svensson, s. 5, kap. 3, dvs. Lund",
    ],
    ids=["en", "en figures", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "sv"],
)
def test_no_cut_after_an_abbreviation(sentence: str):
    document = chunked(text(f"{sentence}. " * 30))
    assert len(document.chunks) > 5
    assert all(item.text.endswith(f"{sentence[-6:]}.") for item in document.chunks), texts(document)


def test_code_is_cut_between_lines():
    lines = [f"total = add({number}, x.y)" for number in range(40)]
    document = chunked(text("\n".join(lines), ElementKind.CODE))
    assert [line for item in document.chunks for line in item.text.split("\n")] == lines


def test_long_title_is_treated_as_a_paragraph():
    document = chunked(title(sentences(10)), text("Body."))
    assert all(item.heading_path == () for item in document.chunks)


def test_deep_heading_paths_leave_room_for_text():
    path = [title(f"Quite a long title of level {level}", level) for level in range(1, 7)]
    document = chunked(*path, text(sentences(30)))
    assert document.chunks[-1].heading_path[-1] == "Quite a long title of level 6"
    assert min(item.token_count for item in document.chunks) > BUDGET / 4


@pytest.mark.parametrize(
    "line",
    [
        "QmFzZTY0" * 5_000,
        "検索拡張生成は文書から答えを探す" * 2_000,
        "这是第一句。然后是第二句。" * 2_000,
        "검색은어렵다" * 3_000,
        "e\u0301" * 20_000,
        "\u200b" * 30_000,
        "a\x0cb\x85" * 5_000,
        "." * 40_000,
        "word" + " " * 40_000 + "word",
        "🚀" * 20_000,
    ],
    ids=[
        "base64",
        "japanese",
        "chinese",
        "korean",
        "accents",
        "invisible",
        "control",
        "dots",
        "spaces",
        "emoji",
    ],
)
def test_text_without_word_boundaries_is_cut(line: str):
    document = chunked(text(line), max_tokens=254)
    assert max(len(item.text) for item in document.chunks) <= 254 * 8


def test_chinese_is_cut_between_sentences():
    document = chunked(text("这是第一句。然后是第二句。" * 20))
    assert all(item.text.endswith("。") for item in document.chunks)


def test_chunking_time_is_linear():
    """Without the tokenizer, 3 MB take about a second on a small machine; the limit has a wide margin."""
    line = "Some words make a sentence, and sentences make a text that is long. "
    for huge in (text(line * 44_000), text("QmFzZTY0" * 375_000), text(line.replace(" ", "") * 44_000)):
        started = time.process_time()
        chunk([huge], counter=_FastCounter(), max_tokens=254)
        assert time.process_time() - started < 5


class _FastCounter:
    """A token every four characters."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self.token_starts(text)) for text in texts]

    def token_starts(self, text: str) -> list[int]:
        return list(range(0, len(text), 4))


kinds = st.sampled_from(list(ElementKind))
element_texts = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="ab .\n", max_size=400),
    st.lists(
        st.sampled_from(["word", "unbelievable", "東京", "x" * 120, ".", "\n", "\x0c", "é"]), max_size=120
    ).map(" ".join),
    st.integers(1, 900).map(lambda count: "ßwörd" * count),
)
elements = st.builds(
    Element,
    kind=kinds,
    text=element_texts,
    page=st.none() | st.integers(1, 9),
    level=st.integers(0, 6),
    header_rows=st.integers(0, 3),
    continues=st.booleans(),
)


def test_joined_titles_that_are_too_long_for_the_path_are_not_prepended_again():
    first, second = "one two three four", "five six seven eight"
    document = chunked(title(first, 0), title(second), text("a b c d e f g h i j"), max_tokens=24)
    (joined,) = document.chunks
    assert embedding_input(joined) == joined.text
    assert joined.heading_path == (first, second)


@settings(max_examples=150, deadline=None)
@given(st.lists(elements, max_size=12), st.sampled_from([24, 64, 254]))
def test_chunks_cover_any_document_within_the_budget(document: list[Element], max_tokens: int):
    assert chunked(*document, max_tokens=max_tokens) == chunked(*document, max_tokens=max_tokens)
