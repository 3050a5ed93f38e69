"""Cutting passages and answers into sentences, in scripts with and without spaces, and in tables and lists."""

from __future__ import annotations

import pytest

from benchmarks.grounding import passage_of
from conversations.answering.sentences import LONGEST_WITHOUT_MARKS, sentences_of, sentences_of_chunk

TEXTS = {
    "English": ("Dr. Smith paid 3.5 million. He left (in 1990).", '"Why?" she asked.'),
    "German": ("Die Frist endet am 3. Mai 2020. Das ist z. B. gut.", "Ist das so?"),
    "Spanish": ("La Sra. López vino. ¿Cuándo?", "¡Ayer!"),
    "French": ("M. Dupont est parti. « Pourquoi ? » demanda-t-elle.", "Rien…"),
    "Greek": ("Πού πας; Πάω σπίτι.", "Ναι."),  # noqa: RUF001
    "Russian": ("Это было в 1990 г. в Москве. Потом он уехал.", "Почему?"),  # noqa: RUF001
    "Hindi": ("यह पहला वाक्य है। यह दूसरा है।", "क्या यह तीसरा है?"),
    "Arabic": ("هل تعلم؟ نعم.", "انتهى."),
    "Turkish": ("Müze açıldı. Giriş ücreti 90 lira.", "Kapalı mı?"),  # noqa: RUF001
    "Chinese": ("我们去公园。他说:“好的。”", "真的吗？"),  # noqa: RUF001
    "Vietnamese": ("Đây là câu thứ nhất. Đây là câu thứ hai.", "Phải không?"),
}


@pytest.mark.parametrize("language", TEXTS)
def test_sentences_end_where_their_script_ends_them(language: str):
    first, last = TEXTS[language]
    separator = "" if language == "Chinese" else " "
    text = f"{first}{separator}{last}"
    found = sentences_of(text)
    assert len(found) == 3
    assert found[-1].text == last
    assert all(text[start:end] == sentence for start, end, sentence in found)


def test_thai_is_cut_at_spaces_into_pieces_of_the_length_of_a_sentence():
    clause = "พิพิธภัณฑ์แห่งนี้เปิดให้บริการทุกวันตลอดทั้งปี"
    found = sentences_of(" ".join([clause] * 8))
    assert len(found) > 2
    assert all(len(one.text) < 2 * LONGEST_WITHOUT_MARKS for one in found)
    assert " ".join(one.text for one in found) == " ".join([clause] * 8)


def test_rows_and_items_are_sentences_and_wrapped_lines_go_on():
    text = (
        "Name | Age\nAnn | 3\n\nThe price of a ticket is six euros for\nadults. Children are free.\n\n"
        "1. Open it.\n2. Close it.\n- a lid\n- a box"
    )
    assert [one.text for one in sentences_of(text)] == [
        "Name | Age",
        "Ann | 3",
        "The price of a ticket is six euros for\nadults.",
        "Children are free.",
        "1. Open it.",
        "2. Close it.",
        "- a lid",
        "- a box",
    ]


def test_offsets_are_those_of_the_document_and_repeated_column_names_are_left_out():
    document = "Name | Age\nAnn | 3\nBen | 4"
    start = document.index("Ben")
    chunk = passage_of("Name | Age\nBen | 4", start=start, end=len(document)).chunk
    (row,) = sentences_of_chunk(chunk)
    assert document[row.start : row.end] == row.text == "Ben | 4"
