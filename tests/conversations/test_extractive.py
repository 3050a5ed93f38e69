"""Quoting the sentences that answer a question, with the embedder of the product and passages of many kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid5

import pytest

from benchmarks.grounding import NO_ID, passage_of
from conversations.answering.extractive import QUOTED, extract
from conversations.answering.refusals import REFUSALS
from conversations.answering.values import Answer, Part, Passage
from engines.embedding import Embedder
from knowledge.engine_config import default_embedder, embedder_named

DOCUMENTS = {
    "leave.md": "Employees have 25 days of paid leave a year. Five of them may be carried over. They lapse on 31 March.",
    "rent.md": "The rent is 1,150 pounds a month. The deposit is held by SafeHold Ltd. Pets need written consent.",
    "telescope.md": "The telescope was put into service in 1998 by Ingrid Solberg. Its mirror weighs 23 tonnes.",
    "visitors.csv": "Country | Visitors\nNorland | 412\nEstmark | 265",
    "pump.md": "The pump delivers 3.6 cubic metres per hour. Replace the impeller after 8,000 hours of operation.",
    "network.md": "Line 4 stops at 17 stations [3]. Trains leave every six minutes at rush hour. It has no lift.",
}
QUESTIONS = {
    "How many days of paid leave do employees have?": "25 days",
    "When does leave that was carried over lapse?": "31 March",
    "Who holds the deposit?": "SafeHold",
    "How much is the rent per month?": "1,150 pounds",
    "Who put the telescope into service?": "Ingrid Solberg",
    "How heavy is the mirror of the telescope?": "23 tonnes",
    "How many visitors came from Estmark?": "265",
    "When must the impeller be replaced?": "8,000 hours",
    "How often do trains leave at rush hour?": "six minutes",
    "At how many stations does line 4 stop?": "17",
}
UNANSWERED = (
    "What is the capital of Mongolia?",
    "How do I bake sourdough bread?",
    "Which vaccines do puppies need?",
    "Who won the world cup in 1998?",
    "zxcv qwer asdf",
)


def passages() -> list[Passage]:
    return [
        passage_of(text, number, filename=name, document_id=uuid5(NO_ID, name), score=0.7)
        for number, (name, text) in enumerate(DOCUMENTS.items(), start=1)
    ]


def answer(question: str, given: Sequence[Passage] = (), embedder: Embedder | None = None) -> Answer:
    return extract(question, given or passages(), embedder or default_embedder(), NO_ID)


def test_gold_answers_are_quoted_from_the_right_document_first():
    answers = {question: answer(question) for question in QUESTIONS}
    assert [question for question, gold in QUESTIONS.items() if gold not in answers[question].text] == []
    first = {question: one.citations[0] for question, one in answers.items()}
    assert [
        question for question, gold in QUESTIONS.items() if gold not in DOCUMENTS[first[question].filename]
    ] == []


def test_sentences_are_word_for_word_at_their_offsets_and_have_their_marks():
    found = answer("How much is the rent, and who holds the deposit?")
    assert 1 <= len(found.citations) <= QUOTED
    assert len(found.citations) == len(found.sentences)
    for citation, sentence in zip(found.citations, found.sentences, strict=True):
        assert DOCUMENTS[citation.filename][citation.start : citation.end] == citation.text
        assert found.text[sentence.start : sentence.end] == f"{citation.text} [{citation.number}]"
    assert found.model == "extractive"


def test_questions_that_the_documents_do_not_answer_are_refused():
    weak = [replace(one, chunk=replace(one.chunk, score=0.1)) for one in passages()]
    refused = [answer(question, weak) for question in UNANSWERED]
    assert [one.is_refusal for one in refused] == [True] * len(UNANSWERED)
    assert {one.text for one in refused} == {REFUSALS["en"]}
    assert all(not one.citations for one in refused)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "Wie hoch ist der Eiffelturm in Paris?"),
        ("es", "¿Cuántos habitantes tiene la ciudad de Madrid?"),
        ("fr", "Quelle est la hauteur de la tour Eiffel à Paris ?"),
        ("el", "Πόσους κατοίκους έχει η πόλη της Αθήνας;"),
        ("hi", "दिल्ली शहर में कितने लोग रहते हैं?"),
        ("tr", "İstanbul şehrinde kaç kişi yaşıyor?"),  # noqa: RUF001
        ("th", "กรุงเทพมหานครมีประชากรกี่คน"),
        ("vi", "Thành phố Hà Nội có bao nhiêu người sinh sống?"),
        ("zh", "北京市有多少人口？"),  # noqa: RUF001
        ("ar", "كم عدد سكان مدينة القاهرة؟"),
        ("ru", "Сколько людей живёт в городе Москве?"),
    ],
)
def test_refusal_is_in_the_language_of_the_question(language: str, question: str):
    assert extract(question, [], default_embedder(), NO_ID).text == REFUSALS[language]


def test_other_languages_are_quoted_by_the_embedder_that_reads_them():
    text = "Die Miete beträgt 900 Euro im Monat. Haustiere sind nicht erlaubt. Die Kaution hält die Firma Tresor."
    found = answer(
        "Wer verwahrt die Kaution?", [passage_of(text)], embedder_named("multilingual-e5-small-int8")
    )
    assert "Tresor" in found.citations[0].text or "Tresor" in found.text


def test_question_in_another_language_than_the_documents_is_answered_by_meaning():
    embedder = embedder_named("multilingual-e5-small-int8")
    assert "Ingrid Solberg" in answer("Wer hat das Teleskop in Betrieb genommen?", embedder=embedder).text
    assert answer("Welche Impfungen braucht ein junger Hund?", embedder=embedder).is_refusal


def test_marks_of_the_source_are_not_taken_for_marks_of_the_answer():
    found = answer("At how many stations does line 4 stop?")
    assert "Line 4 stops at 17 stations. [6]" in found.text
    assert found.citations[0].text == "Line 4 stops at 17 stations [3]."


def test_sentence_of_a_joined_passage_is_cited_at_its_own_page():
    one, two = DOCUMENTS["leave.md"], DOCUMENTS["telescope.md"]
    whole = passage_of(f"{one}\n\n{two}", page=1, last_page=2)
    passage = Passage(number=1, chunk=whole.chunk, parts=(Part(0, NO_ID, 1), Part(len(one) + 2, NO_ID, 2)))
    found = answer("How heavy is the mirror of the telescope?", [passage])
    by_text = {citation.text: citation.page for citation in found.citations}
    assert by_text["Its mirror weighs 23 tonnes."] == 2
