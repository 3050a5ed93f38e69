"""Finding all passages that have phrases, not only the best ones.

The index of words has the passages with one of a phrase's words, and PostgreSQL has their texts, in which all phrases of a
question are looked up at once. If each of the words is in too many passages, PostgreSQL looks in all passages of the tenant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core.isolation.scope import tenant_scope
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
    WHERE tenant_id = %(tenant)s AND id = c.document_id AND generation = c.generation AND deleted_at IS NULL
        AND (%(references)s::uuid[] IS NULL OR reference_id = ANY(%(references)s)) OFFSET 0
) d
WHERE c.tenant_id = %(tenant)s AND """
_OF_IDS = "c.id = ANY(%(ids)s)"
# A text that is not in ASCII may have the words with accents.
_LIKE = """EXISTS (
    SELECT FROM (SELECT concat_ws(' ', c.text, array_to_string(c.heading_path, ' '), d.filename, d.title)) t(texts)
    WHERE texts ILIKE {}(%(patterns)s) OR octet_length(texts) <> length(texts)
)"""


class Texts(NamedTuple):
    """The texts of a passage, folded: its own, and those by which people know its place."""

    text: str
    titles: tuple[str, ...]
    filename: str


@dataclass(frozen=True)
class Lookup:
    """Passages that have one of the phrases: in a title, or in any of their texts."""

    values: tuple[str, ...]
    only_titles: bool = False

    @cached_property
    def phrases(self) -> list[Phrase]:
        return [Phrase(value) for value in self.values]

    def is_in(self, texts: Texts) -> bool:
        places = texts.titles if self.only_titles else (texts.text, *texts.titles, texts.filename)
        return any(phrase.is_in(place) for phrase in self.phrases for place in places)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageFinder:
    """Looks for passages whose points are in one of the collections and match the filter; it may find others, too."""

    tenant_id: UUID
    collections: Sequence[str]
    filter: Filter

    def having(self, lookups: Sequence[Lookup], without: Sequence[Lookup]) -> tuple[UUID, ...]:
        """Return the passages that pass each of the lookups, at least one, and none of those that they must be `without`."""
        needed = [one.values[0] for one in lookups if len(one.values) == 1]
        words = sorted(chain.from_iterable(map(words_to_look_up, needed)), key=len, reverse=True)
        ids = self._having_one_of(words) if needed else self._having_any(lookups[0].values)
        patterns = [_pattern(phrase) for one in lookups for phrase in one.phrases if len(one.phrases) == 1]
        return tuple(
            pk
            for pk, texts in self._texts(ids, _LIKE.format("ALL"), patterns)
            if all(one.is_in(texts) for one in lookups) and not any(one.is_in(texts) for one in without)
        )

    def having_any(self, lookups: Sequence[Lookup]) -> tuple[UUID, ...]:
        """Return the passages that pass one of the lookups."""
        ids = self._having_any([value for one in lookups for value in one.values])
        patterns = [_pattern(phrase) for one in lookups for phrase in one.phrases]
        rows = self._texts(ids, _LIKE.format("ANY"), patterns)
        return tuple(pk for pk, texts in rows if any(one.is_in(texts) for one in lookups))

    def _texts(
        self, ids: set[UUID] | None, condition: str, patterns: Sequence[str]
    ) -> Iterator[tuple[UUID, Texts]]:
        """The texts of these passages, or of all that may match, if there are no ids."""
        parameters: dict[str, Any] = {
            "tenant": self.tenant_id,
            "references": [*self.filter.reference_ids] or None,
            "ids": [*ids] if ids is not None else None,
            "patterns": [*patterns],
        }
        with tenant_scope(self.tenant_id), connection.chunked_cursor() as cursor:
            cursor.execute(_SQL + (condition if ids is None else _OF_IDS), parameters)
            while rows := cursor.fetchmany(SLICE_ROWS):
                for text, heading, filename, title, pk in rows:
                    yield pk, Texts(fold(text), tuple(map(fold, (title, *heading))), fold(filename))

    def _having_any(self, values: Sequence[str]) -> set[UUID] | None:
        """Return the passages that have a word of one of the values, or None if it would be too many."""
        found: set[UUID] = set()
        for value in values:
            ids = self._having_one_of(words_to_look_up(value))
            if ids is None or len(found := found | ids) > MAX_CANDIDATES:
                return None
        return found

    def _having_one_of(self, words: Sequence[str]) -> set[UUID] | None:
        """Return the passages that have the first of the words that few have, or None if it would be too many."""
        for word in words[:TRIED_WORDS]:
            ids = self._search(word)
            if len(ids) <= MAX_CANDIDATES:
                return ids
        return None

    def _search(self, word: str) -> set[UUID]:
        query = Query(mode=Mode.SPARSE, text=word, exact=True, filter=self.filter, limit=MAX_CANDIDATES + 1)
        store = vector_store()
        return {
            hit.point_id for name in self.collections for hit in store.search(self.tenant_id, name, query)
        }


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
