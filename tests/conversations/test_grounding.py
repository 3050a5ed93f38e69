"""Whether the cited passages support a sentence, and what is said of those that they do not."""

from __future__ import annotations

import pytest

from benchmarks.grounding import NO_ID, cases, count, passage_of
from conversations.answering.grounding import check_grounding
from conversations.answering.values import CheckedSentence, Support
from knowledge.engine_config import default_embedder

RETURNS = (
    "A customer may return any item within 30 days of delivery. Shipping costs are not refunded. "
    "The warehouse is in Leipzig and takes up to 20 kg."
)
OTHER = "Gift cards are valid for 3 years."


def check(text: str) -> tuple[CheckedSentence, ...]:
    return check_grounding(text, [passage_of(RETURNS, 1), passage_of(OTHER, 2)], default_embedder(), NO_ID)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Items can be returned within 45 days [1].", "The passage says 30 days, not 45 days."),
        ("Items can be returned within 30 weeks [1].", "The passage says 30 days, not 30 weeks."),
        ("The warehouse is in Dresden [1].", "The passages do not mention Dresden."),
        ("Shipping costs are refunded [1].", "The passage denies this: “Shipping costs are not refunded”."),
        ("Gift cards can be used for 3 years [1].", "The passages do not have the number 3 years."),
        ("Employees enjoy a canteen with a sunny terrace [1].", "The passages do not say this."),
    ],
)
def test_what_the_cited_passage_does_not_say_is_weak(sentence: str, reason: str):
    (checked,) = check(sentence)
    assert (checked.support, checked.reason) == (Support.WEAK, reason)


@pytest.mark.parametrize(
    "sentence",
    [
        "A customer may return any item within 30 days of delivery [1].",
        "You have thirty days to send something back [1].",
        "You do not get the shipping costs back [1].",
        "Parcels of up to 20 kilograms are accepted by the warehouse in Leipzig. [1]",
        "Gift cards are valid for 3 years [2].",
        "Gift cards are valid for three years and items can be returned within 30 days [1][2].",
    ],
)
def test_what_it_says_in_other_words_is_supported(sentence: str):
    (checked,) = check(sentence)
    assert (checked.support, checked.reason) == (Support.SUPPORTED, "")


def test_sentences_are_found_in_the_answer_with_their_marks():
    items = "- Items can be returned within 30 days. [1]\n- Gift cards last 3 years [2]"
    text = f"Here is what I found:\n\n{items}\n\nAnything else?"
    leading, first, second, question = check(text)
    assert leading.support is question.support is Support.NOT_NEEDED
    assert (first.cited, second.cited) == ((1,), (2,))
    assert first.support is second.support is Support.SUPPORTED
    assert text[first.start : first.end].endswith("30 days. [1]")


def test_sentence_without_marks_is_compared_with_all_passages():
    supported, weak = check("Gift cards are valid for 3 years. Gift cards are valid for 5 years.")
    assert (supported.cited, supported.support, weak.support) == ((), Support.SUPPORTED, Support.WEAK)


def test_most_changes_are_found_and_few_true_sentences_are_marked():
    """A fifth of what `python -m benchmarks.answers` counts."""
    counted = count([one for one in cases() if one.group % 5 == 0], default_embedder())
    assert len(counted.found) >= 0.85 * counted.changed
    assert len(counted.false_alarms) <= 0.1 * counted.true
