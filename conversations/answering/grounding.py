"""Checking that the cited passages support the sentences of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from conversations.answering.values import CheckedSentence, Passage
from engines.embedding import Embedder


def check_grounding(
    text: str, passages: Sequence[Passage], embedder: Embedder, tenant_id: UUID
) -> tuple[CheckedSentence, ...]:
    return ()
