"""What quotas limit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db import models


class QuotaKind(models.TextChoices):
    STORAGE = "storage_bytes", "Bytes of files"
    DOCUMENTS = "documents", "Documents"
    CHUNKS = "chunks", "Passages"
    EMBEDDING = "embedding_tokens", "Tokens embedded in a day"
    SEARCH = "search_units", "Units of search in a day"
    ANSWERS = "answers", "Answers in a day"
    ANSWER_TOKENS = "answer_tokens", "Tokens of chat models in a day"
    EVENTS = "events", "Events in a day"
    KEPT_ANSWERS = "kept_answer_bytes", "Bytes of answers kept for repetitions in a day"

    @property
    def is_stored(self) -> bool:
        """Whether it is there until it is deleted. All others are counted by the day, in UTC."""
        return self in (QuotaKind.STORAGE, QuotaKind.DOCUMENTS, QuotaKind.CHUNKS)

    @property
    def is_exact(self) -> bool:
        """Whether requests at the same time must not exceed it together: near the limit they wait for each other."""
        return self.is_stored or self in (QuotaKind.ANSWERS, QuotaKind.ANSWER_TOKENS)

    @property
    def may_overrun(self) -> bool:
        """Whether the last use may exceed the limit, because what is counted before it is more than what it will be."""
        return self is QuotaKind.ANSWER_TOKENS


# The day of the rows that count what is stored.
STORED = date(1970, 1, 1)


def today() -> date:
    return datetime.now(UTC).date()


def next_reset() -> datetime:
    """When the counts of today end."""
    return datetime.combine(today() + timedelta(days=1), time.min, UTC)
