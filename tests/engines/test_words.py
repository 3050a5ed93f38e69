"""What a word in a question finds: its forms, its spellings, and the ways in which names and numbers are written."""

# ruff: noqa: RUF001 - the letters are those of many alphabets

import pytest

from engines.vectors.bm25 import count_words, document_terms, query_terms, share_of_words
from engines.words.stop_words import stop_words
from engines.words.tokens import words_of

SAME = {
    "en": [
        ("run", "running"),
        ("naive", "naïve"),
        ("Widget", "Ｗｉｄｇｅｔ"),
        ("file", "ﬁle"),
        ("cooperate", "co\u00adoperate"),
    ],
    "de": [("Mueller", "Müller"), ("Müller", "Mueller"), ("Strasse", "Straße"), ("Verträge", "Vertrages")],
    "fr": [("eau", "l’eau"), ("élève", "ELEVES")],
    "es": [("canción", "canciones")],
    "tr": [("Tesla", "Tesla'nın"), ("ısı", "ISI")],
    "fi": [("talo", "talossa")],
    "ru": [("ёлка", "Елка"), ("договор", "договора")],
    "uk": [("налаштування", "налаштуванням")],
    "el": [("Σίσυφος", "ΣΙΣΥΦΟΣ"), ("τιμολόγιο", "τιμολογια")],
    "ar": [("كتاب", "الكتاب"), ("مدرسة", "المدرسه"), ("احمد", "أحمد"), ("مُدَرِّس", "مدرس"), ("345", "٣٤٥")],
    "fa": [("345", "۳۴۵"), ("می\u200cخواهم", "میخواهم")],
    "he": [("דירה", "הדירה"), ("שלום", "שָׁלוֹם")],
    "hi": [("345", "३४५"), ("किताब", "किताबें")],
    "vi": [("bảo hành", "BẢO HÀNH"), ("bao hanh", "bảo hành")],
    "zh": [("保修", "发动机的保修期"), ("东", "东京")],
    "th": [("ยา", "ยาแก้ปวด"), ("น้ำมัน", "ราคาน้ำมันวันนี้")],
    "ko": [("휴가", "휴가는 어떻게")],
}
NAMES = [
    ("COVID19", "COVID-19"),
    ("covid 19", "COVID-19"),
    ("COVID-19", "covid19"),
    ("1234", "1,234"),
    ("1,234", "1.234"),
    ("1234567.89", "1.234.567,89"),
    ("12.5", "12,5"),
    ("US", "U.S."),
    ("foo bar", "fooBar"),
    ("http server", "HTTPServer"),
    ("email", "e-mail"),
    ("well known", "well-known"),
    ("INV-2024/00317", "INV 2024 00317"),
    ("INV202400317", "INV-2024/00317"),
    ("snake case", "snake_case"),
    ("1.2.3", "v1.2.3"),
    ("192.168.10.1", "at 192.168.10.1:8080"),
    ("example.com", "https://example.com/a"),
    ("C++", "in C++, too"),
    ("C#", "C# and F#"),
    (".NET", "the .NET framework"),
    ("🙂", "well done 🙂👍"),
    ("§ 5", "see §5"),
    ("€", "100€"),
    ("O'Brien", "OBrien"),
    ("Tesla", "Tesla's cars"),
]
DIFFERENT = [
    ("C++", "C"),
    ("C#", "C"),
    ("10.0.0.1", "10001"),
    ("1.10", "1.1"),
    ("й", "и"),
    ("🙂", "🙃"),
]


def finds(question: str, text: str, language: str | None) -> bool:
    asked = query_terms(question, exact=True).indices.tolist()
    return not {*asked}.isdisjoint(document_terms(text, language).indices.tolist())


@pytest.mark.parametrize(
    ("language", "question", "text"), [(one, *pair) for one, pairs in SAME.items() for pair in pairs]
)
def test_words_are_found_in_other_spellings_and_forms(language: str, question: str, text: str):
    asked = query_terms(question).indices.tolist()
    assert not {*asked}.isdisjoint(document_terms(text, language).indices.tolist())


@pytest.mark.parametrize(("question", "text"), NAMES)
def test_names_and_numbers_are_found_however_they_are_written(question: str, text: str):
    asked = query_terms(question).indices.tolist()
    assert not {*asked}.isdisjoint(document_terms(text, "en").indices.tolist())
    assert share_of_words(question, text) >= 0.5


def test_single_word_counts_fully_in_any_language():
    asked, stored = query_terms("Koeln"), document_terms("Das Lager in Köln.", "de").indices.tolist()
    weights = dict(zip(asked.indices.tolist(), asked.values.tolist(), strict=True))
    assert max(weights.get(term, 0) for term in stored) == 1


@pytest.mark.parametrize(("question", "text"), DIFFERENT)
def test_different_words_are_told_apart(question: str, text: str):
    assert not finds(question, text, None)


@pytest.mark.parametrize("language", [None, "en", "de", "es", "fi", "hu", "pl", "tr", "vi"])
@pytest.mark.parametrize(
    "word", ["Madrid", "running", "Reisekosten", "fatura", "Müller", "universities", "XJ-99"]
)
def test_same_word_is_found_whatever_the_languages_are(word: str, language: str | None):
    assert finds(word, f"x {word} y", language)


@pytest.mark.parametrize(
    "question", ["WHO", "IT", "The Who", "will", "not", "to be or not to be", "¿qué?", "не"]
)
def test_question_of_stop_words_has_terms(question: str):
    assert len(query_terms(question).indices)
    assert finds(question, f"... {question} ...", "en")


def test_stop_words_do_not_count_beside_others():
    assert count_words("What is the pressure of the pump?") == count_words("pressure pump")
    assert count_words("Wie hoch ist der Druck der Pumpe?") == count_words("hoch Druck Pumpe")


def test_name_in_capitals_is_no_stop_word():
    assert count_words("What does WHO recommend?") > count_words("What does who recommend?")
    named, other = (document_terms(text, "en").indices.tolist() for text in ("by the WHO", "who did it"))
    asked = query_terms("WHO").indices.tolist()
    assert len({*asked} & {*named}) > len({*asked} & {*other})


def test_repeated_words_count():
    once, twice = query_terms("pump pressure"), query_terms("pump pressure, pump")
    assert twice.values.sum() > once.values.sum()
    assert sorted(twice.indices) == sorted(once.indices)


@pytest.mark.parametrize(
    "text",
    ["", " ", "...", "(–)", "\ud800", "\u00ad", "│ │", "a" * 100_000, "ก" * 5000, "'" * 50, "x'" * 50, "ـ"],
)
def test_any_text_has_terms_or_none(text: str):
    document, question = document_terms(text), query_terms(text)
    for terms in (document, question):
        assert len(terms.indices) == len({*terms.indices.tolist()}) == len(terms.values)
        assert (terms.values > 0).all()
    assert count_words(text) >= 0


def test_hash_is_not_cut_into_parts():
    assert words_of("3f2a9c81d0e4b7").parts == ()
    assert len(words_of("-".join(["ab"] * 1000)).parts) <= 50


def test_stop_words_are_those_of_some_forty_languages():
    assert len(stop_words()) > 30
    assert all(len(words) > 10 for words in stop_words().values())
