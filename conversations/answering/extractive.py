"""Quoting the sentences that answer a question."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from conversations.answering.citations import citation_of
from conversations.answering.values import Answer, CheckedSentence, Passage, Support
from engines.embedding import Embedder


def extract(question: str, passages: Sequence[Passage], embedder: Embedder, tenant_id: UUID) -> Answer:
    if not passages:
        return Answer(text="", citations=(), is_refusal=True, model="extractive")
    text = f"{passages[0].chunk.text} [1]"
    sentence = CheckedSentence(start=0, end=len(text), cited=(1,), support=Support.SUPPORTED)
    return Answer(text=text, citations=(citation_of(passages[0]),), sentences=(sentence,), model="extractive")
