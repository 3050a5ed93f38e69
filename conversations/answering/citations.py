"""What an answer cites: only passages that were given, by marks of one form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from re import Match
from typing import Any

from conversations.answering.marks import find_marks, marked_sentences, numbers_of
from conversations.answering.sentences import Sentence, sentences_of_chunk
from conversations.answering.values import Citation, Passage, TableCitation
from engines.vectors.bm25 import share_of_words


def check_citations(
    text: str, passages: Sequence[Passage], tables: Sequence[TableCitation] = ()
) -> tuple[str, tuple[Citation, ...], tuple[str, ...]]:
    """Return the text with marks of the form `[1]` that name one of the passages or tables, what they cite of the passages,
    in the order of the text, and the marks that were removed because they name none. Code is left as it is.

    What is cited is the sentence of the passage that shares the most words with the sentence that has the mark."""
    given = {passage.number: passage for passage in passages}
    known = given.keys() | {table.number for table in tables}
    removed, parts, start = list[str](), list[str](), 0
    for mark in find_marks(text):
        parts += text[start : mark.start()], _checked(mark, known, removed)
        start = mark.end()
    clean = "".join((*parts, text[start:]))
    return clean, tuple(_citations(clean, given)), tuple(removed)


def cite(passage: Passage, sentence: Sentence) -> Citation:
    """The citation of a sentence that has its offsets in the document's text."""
    chunk, part = passage.chunk, passage.part_at(sentence.start)
    return Citation(
        number=passage.number,
        chunk_id=part.chunk_id,
        document_id=chunk.document_id,
        filename=chunk.filename,
        page=part.page,
        heading=chunk.heading,
        text=sentence.text,
        start=sentence.start,
        end=sentence.end,
        url=_address_of(chunk.metadata),
    )


def _address_of(metadata: Mapping[str, Any]) -> str:
    """What a connector has said of the document's source."""
    url = metadata.get("source_url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _checked(mark: Match[str], given: Collection[int], removed: list[str]) -> str:
    """The mark in its usual form, or "" without the space before it if none of its numbers is of a passage."""
    numbers = numbers_of(mark)
    removed += [f"[{number}]" for number in numbers if number not in given]
    marks = "".join(f"[{number}]" for number in numbers if number in given)
    return mark["space"] + marks if marks else ""


def cited_tables(text: str, tables: Sequence[TableCitation]) -> tuple[TableCitation, ...]:
    """Those that the marks name. Where they name neither these nor a passage, the model has not said what it stands on: then
    the rows that it has read last."""
    marked = {number for sentence in marked_sentences(text) for number in sentence.cited}
    return tuple(one for one in tables if one.number in marked) or (() if marked else tuple(tables[-1:]))


def _citations(text: str, given: Mapping[int, Passage]) -> Iterator[Citation]:
    seen = set[tuple[int, int]]()
    for sentence in marked_sentences(text):
        for number in filter(given.__contains__, sentence.cited):
            citation = cite(given[number], _nearest(sentence.words, given[number]))
            if (number, citation.start) not in seen:
                seen.add((number, citation.start))
                yield citation


def _nearest(words: str, passage: Passage) -> Sentence:
    chunk = passage.chunk
    whole = Sentence(chunk.start, chunk.end, chunk.text)
    return max(sentences_of_chunk(chunk), key=lambda one: share_of_words(words, one.text), default=whole)
