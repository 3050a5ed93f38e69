"""Why a passage was found."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from engines.languages import language_of
from engines.vectors.bm25 import document_terms, query_terms
from knowledge.pipeline.indexing import words_of_name
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.question import parse


class Place(StrEnum):
    """Where a passage has words of the question."""

    TEXT = "text"
    HEADING = "heading"
    TITLE = "title"
    FILENAME = "filename"


def matched_in(query: str, chunk: FoundChunk, *, operators: bool = True) -> tuple[Place, ...]:
    """Return where the passage has words of the query; nowhere, if it was found by its meaning."""
    question = parse(query, operators=operators)
    wanted, language = {*query_terms(question.text).indices.tolist()}, language_of(chunk.text)
    texts = {
        Place.TEXT: chunk.text,
        Place.HEADING: "\n".join(chunk.heading),
        Place.TITLE: chunk.title,
        Place.FILENAME: words_of_name(chunk.filename),
    }
    terms = {place: document_terms(text, language).indices.tolist() for place, text in texts.items()}
    return tuple(place for place in Place if not wanted.isdisjoint(terms[place]))


def in_words(places: Sequence[Place]) -> str:
    """As "words in text, file name"."""
    names = ("file name" if place is Place.FILENAME else place.value for place in places)
    return f"words in {', '.join(names)}" if places else "found by its meaning"
