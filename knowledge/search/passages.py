"""Finding all passages that have a phrase, not only the best ones.

The index of words has the passages with one of the phrase's words, and PostgreSQL has their texts, in which the phrase is
looked up. If each of the words is in too many passages, PostgreSQL looks in all passages of the tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from core.isolation.scope import current_tenant_id, tenant_scope
from engines.vectors import Filter, Mode, Query
from engines.vectors.bm25 import query_terms
from knowledge.engine_config import vector_store
from knowledge.search.phrases import Phrase, fold

# The longest words are likely to be rare. Reading the texts of more candidates takes as long as looking in 100,000.
TRIED_WORDS, MAX_CANDIDATES = 3, 5000
SLICE_ROWS = 2000
# What separates words, but for the points of numbers.
_GAP = re.compile(
    r"(?<!\d)[.,]|[.,](?!\d)|(?<!\w)#|"
    r"[\s\-\u2010-\u2015_/\\:;!?()\[\]{}\"*`<>=~^$%|&@\u00ab\u00b7\u00bb\u201c-\u201f\u2026]+"
)
_UNSPACED = "\u0e00"  # where the scripts without spaces begin, in which one character may be a word

# `OFFSET 0` lets PostgreSQL begin with the chunks: see docs/decisions/0011.
_SQL = """
SELECT c.text, c.heading_path, d.filename, d.title, c.id
FROM chunks c, LATERAL (
    SELECT filename, coalesce(file_metadata_json ->> 'title', '') AS title FROM documents
    WHERE tenant_id = %(tenant)s AND id = c.document_id AND generation = c.generation AND deleted_at IS NULL OFFSET 0
) d
WHERE c.tenant_id = %(tenant)s AND """
_OF_IDS = "c.id = ANY(%(ids)s)"
# A text that is not in ASCII may have the words with accents.
_LIKE = """EXISTS (
    SELECT FROM (SELECT concat_ws(' ', c.text, array_to_string(c.heading_path, ' '), d.filename, d.title)) t(texts)
    WHERE texts ILIKE %(pattern)s OR octet_length(texts) <> length(texts)
)"""


class Texts(NamedTuple):
    """The texts of a passage: its own, and those by which people know its place."""

    text: str
    heading: list[str]
    filename: str
    title: str


def all_texts(texts: Texts) -> Sequence[str]:
    return texts.text, *titles(texts), texts.filename


def titles(texts: Texts) -> Sequence[str]:
    return texts.title, *texts.heading


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageFinder:
    """Looks for passages whose points are in one of the collections and match the filter; it may find others, too."""

    tenant_id: UUID
    collections: Sequence[str]
    filter: Filter

    def having(self, value: str, places: Callable[[Texts], Sequence[str]]) -> tuple[UUID, ...]:
        """Return the passages that have the phrase in one of the places."""
        phrase, ids = Phrase(value), self._candidates(value)
        condition = _LIKE if ids is None else _OF_IDS
        found: list[UUID] = []
        with tenant_scope(self.tenant_id), connection.chunked_cursor() as cursor:
            parameters = {"tenant": current_tenant_id(), "ids": ids, "pattern": _pattern(phrase)}
            cursor.execute(_SQL + condition, parameters)
            while rows := cursor.fetchmany(SLICE_ROWS):
                for *texts, pk in rows:
                    if any(phrase.is_in(fold(text)) for text in places(Texts(*texts))):
                        found.append(pk)
        return tuple(found)

    def _candidates(self, value: str) -> list[UUID] | None:
        """Return the passages that have one of the words, or None if it would be too many."""
        for word in words_to_look_up(value)[:TRIED_WORDS]:
            ids = self._search(word)
            if len(ids) <= MAX_CANDIDATES:
                return ids
        return None

    def _search(self, word: str) -> list[UUID]:
        query = Query(mode=Mode.SPARSE, text=word, exact=True, filter=self.filter, limit=MAX_CANDIDATES + 1)
        store = vector_store()
        return [
            hit.point_id for name in self.collections for hit in store.search(self.tenant_id, name, query)
        ]


def words_to_look_up(value: str) -> list[str]:
    """The words of a phrase of which every passage that has them has a term in the index, the longest first."""
    words = (word.strip("'’") for word in _GAP.split(value))
    indexed = (
        word for word in words if (len(word) > 1 or word >= _UNSPACED) and len(query_terms(word).indices)
    )
    return sorted(indexed, key=len, reverse=True)


def _pattern(phrase: Phrase) -> str:
    """What every text in ASCII that has the phrase is like."""
    return f"%{'%'.join(filter(str.isalnum, filter(str.isascii, phrase.words)))}%"
