"""What a model may repeat without end, as a small one does: none of it may keep a web process busy. Regular expressions keep
all of its threads."""

from __future__ import annotations

import time

import pytest

from benchmarks.grounding import passage_of
from conversations.admin.answer_html import answer_html
from conversations.answering.citations import check_citations
from conversations.answering.grounding import check_grounding
from conversations.answering.links import KnownLinks
from core.models import new_id
from knowledge.engine_config import default_embedder

LENGTH, SECONDS = 30_000, 3.0
PASSAGES = [passage_of("Honey bees dance to tell where flowers are.", 1)]


@pytest.mark.parametrize(
    "repeated",
    [" ", "\t", "`", "`` ` ", "? ", "?", "[", "![a", "[1\u2020", "a [1] ", "Aa b. [1] ", "a:\n", "http://a"],
)
def test_a_long_answer_is_checked_and_shown_in_little_time(repeated: str):
    text, began = f"a{repeated * (LENGTH // len(repeated))}a", time.process_time()
    links = KnownLinks(())
    for start in range(0, len(text), 5):
        links.add(text[start : start + 5])
    check_citations(text, PASSAGES)
    check_grounding(text, PASSAGES, default_embedder(), new_id())
    answer_html(text, anchor="s", cited={1}, sources=[])
    assert time.process_time() - began < SECONDS
