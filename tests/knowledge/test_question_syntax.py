"""Parsing questions: any text is one, and what is escaped is text."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knowledge.search.phrases import Phrase, fold, has_words
from knowledge.search.question import MAX_CONDITIONS, QUOTATION_MARKS, Condition, Field, Question, parse

# Texts that look like questions with operators.
PIECES = st.sampled_from(
    [
        *'"-:\\ ()\n',
        *QUOTATION_MARKS,
        '"',
        " -",
        *(f"{field}:" for field in Field),
        "Title:",
        "bees",
        "12:30",
        "é",
        "契約",
        "\u0301",
        "🚒",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=20).map("".join))


def escaped(text: str) -> str:
    return re.sub(rf"([{QUOTATION_MARKS}\\:-])", r"\\\1", text)


def text_of(query: str) -> str:
    return query.replace("\x00", " ").strip() if has_words(query) else ""


@settings(deadline=None)
@given(TEXTS)
def test_any_text_is_a_question(text: str) -> None:
    question = parse(text)
    assert len(question.conditions) <= MAX_CONDITIONS
    for condition in question.conditions:
        assert Phrase(condition.value).words
        assert condition.value in text or "\\" in text


@settings(deadline=None)
@given(TEXTS)
def test_escaped_text_is_text(text: str) -> None:
    assert parse(escaped(text)) == parse(text, operators=False) == Question(text=text_of(text))


@settings(deadline=None)
@given(TEXTS, st.sampled_from([None, *Field]), st.booleans())
def test_quoted_value_is_any_text(text: str, field: Field | None, excluded: bool) -> None:
    """A quotation mark and a backslash in it need a backslash before them."""
    text = text.replace("\x00", " ")
    value = re.sub(r'(["\\])', r"\\\1", text)
    question = parse(f'{"-" if excluded else ""}{f"{field}:" if field else ""}"{value}"')
    if Phrase(text).words:
        assert question.conditions == (Condition(value=text, field=field, excluded=excluded),)
    else:
        assert question.conditions == ()


@settings(deadline=None)
@given(TEXTS)
def test_text_without_operators_stays_as_it_is(text: str) -> None:
    text = re.sub(rf"[{QUOTATION_MARKS}\\:-]", "", text)
    assert parse(text) == Question(text=text_of(text))


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_text_has_each_phrase_that_is_cut_out_of_it_at_spaces(before: str, phrase: str, after: str) -> None:
    assume(Phrase(phrase).words)
    assert Phrase(phrase).is_in(fold(f"{before} {phrase} {after}"))


MARKED = [("net profit", None, False), ("avant impôt", None, True), ("sista", Field.TITLE, False)]


@pytest.mark.parametrize(
    ("query", "text", "conditions"),
    [
        ('"honey bees" -wasps', "honey bees", [("honey bees", None, False), ("wasps", None, True)]),
        ('a -"b c" (see "page 3")', "a  (see page 3)", [("b c", None, True), ("page 3", None, False)]),
        ("TITLE:x -type:pdf", "x", [("x", Field.TITLE, False), ("pdf", Field.TYPE, True)]),
        ('filename:"a \\"b\\".txt"', 'a "b".txt', [('a "b".txt', Field.FILENAME, False)]),
        ("tag:new", "", [("new", Field.TAG, False)]),
        ("\\-x filename\\:y", "-x filename:y", []),
        ('19" rack --help -5 - type: x-ray http://a.b:80', None, []),
        ('say:"hello world" title:"open', None, []),
        ('"" "?!" -"..."', "", []),
        ("„net profit“ (-«avant impôt») title:”sista”", "net profit ()", MARKED),
        ("“a 'b' \\“c” 「契約」", "a 'b' “c 契約", [("a 'b' “c", None, False), ("契約", None, False)]),
        ("x «open a“b” \\“as is\\” -„b“", "x «open a“b” “as is”", [("b", None, True)]),
        ("x -x -x", "x", [("x", None, True)]),
        ("C:\\Users\\x ERR:404 12:30", None, []),
    ],
)
def test_parts(query: str, text: str | None, conditions: list[tuple[str, Field | None, bool]]) -> None:
    question = parse(query)
    assert question.text == (query if text is None else text)
    assert [(one.value, one.field, one.excluded) for one in question.conditions] == conditions


@pytest.mark.parametrize("query", ['"' * 10_000, '"\\' * 5000, '-"a ' * 2500, "title:" * 1600, ' \\"' * 3000])
def test_parsing_takes_linear_time(query: str) -> None:
    started = time.process_time()
    parse(query)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("honey bees", "Honey-\nBees dance", True),
        ("log in", "catalog into", False),
        ("C++", "in C and D", False),
        ("50", "50%", True),
        ("AT&T", "AT & T", True),
        ("契約", "解除契約書", True),
        ("서울", "서울에서", True),
        ("Ελλαδα", "ΕΛΛΆΔΑ", True),
        ("مستودع", "مُسْتَوْدَع", True),
        ("елка", "Ёлка", True),
        ("иод", "Йод", False),
        ("lodz", "Łódź", True),
        ("مدرسه", "المدرسة", False),
        ("مدرسه", "مدرسة", True),
        ("12", "١٢", True),
        ("de", "1de", False),
        ("de", "-de_", True),
        ("हिंदा", "हिंदी", False),
        ("🚒", "the 🚒!", True),
        ("don't", "DON’T", True),
        ("file ﬁne", "FILE FINE", True),
    ],
)
def test_phrases_are_compared_as_they_are_seen(phrase: str, text: str, expected: bool) -> None:
    assert Phrase(phrase).is_in(fold(text)) is expected
