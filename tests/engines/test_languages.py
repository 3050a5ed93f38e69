"""The script and the language of texts, as long as a passage and as short as a question."""

# ruff: noqa: RUF001 - the letters are those of many alphabets

import random
import sys

import pytest

from engines.languages import LANGUAGE_OF_SCRIPT, language_of, languages_of, script_of
from tests.engines.languages import PASSAGES

QUESTIONS = {
    "de": ["Kündigungsfrist Mietvertrag", "Wo finde ich die Garantiebedingungen?"],
    "el": ["τιμολόγιο", "όροι εγγύησης"],
    "en": ["warranty terms", "Who signed the contract?"],
    "ja": ["休暇の申請方法は?"],
    "ko": ["보증 조건"],
    "th": ["เงื่อนไขการรับประกัน"],
    "tr": ["garanti koşulları"],
    "vi": ["điều kiện bảo hành"],
    "zh": ["如何申请休假"],
}
WITHOUT = ["", " ", "8,978 7,679 7,175", "2024-11-03", "A-1234-5", "x", "🙂 €", "保証条件"]


@pytest.mark.parametrize("language", PASSAGES)
def test_language_of_a_sentence(language: str):
    assert language_of(PASSAGES[language]) == language


@pytest.mark.parametrize(
    ("language", "question"), [(one, text) for one in QUESTIONS for text in QUESTIONS[one]]
)
def test_language_of_a_short_question(language: str, question: str):
    assert language_of(question) == language


@pytest.mark.parametrize("text", WITHOUT)
def test_language_that_is_not_certain_is_not_told(text: str):
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("WHO", "Latn"),
        ("Ｗｉｄｅ", "Latn"),
        ("ЁЛКА 12", "Cyrl"),
        ("我们使用 Kubernetes 部署微服务", "Hani"),
        ("see figure 图 3 below", "Latn"),
        ("カタカナと漢字", "Kana"),
        ("12.5 %", None),
        ("", None),
    ],
)
def test_script_of_most_of_a_text(text: str, script: str | None):
    assert script_of(text) == script


def test_scripts_of_one_language_are_those_that_are_told_apart():
    for script, language in LANGUAGE_OF_SCRIPT.items():
        assert script_of(PASSAGES.get(language, "")) in (script, None)


def test_part_whose_language_is_not_certain_has_that_of_others():
    parts = [PASSAGES["de"], PASSAGES["de"], PASSAGES["ru"], "fatura", "Иванов", "8,978", "42.7"]
    assert languages_of(parts) == ["de", "de", "ru", "de", "ru", "de", "de"]
    assert languages_of(["8,978", "§"]) == [None, None]
    assert languages_of(["8,978", PASSAGES["el"], "fatura"]) == ["el", "el", None]


def test_any_text_has_one_answer():
    source = random.Random(1)
    for length in (1, 3, 30, 300, 3000):
        for _ in range(200):
            text = "".join(
                chr(source.randrange(source.choice((128, 0x3000, sys.maxunicode)))) for _ in range(length)
            )
            assert (language_of(text), script_of(text)) == (language_of(text), script_of(text))
