"""The extractive answerer: the sentences that answer the question, word for word. It needs no chat model.

A sentence is chosen by three signals: how much of the question's words it has, the rare ones counting more; how alike it is
in meaning; and how relevant its passage is. docs/decisions/0036 has the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import log
from uuid import UUID

from conversations.answering.citations import cite
from conversations.answering.links import KnownLinks
from conversations.answering.marks import without_marks
from conversations.answering.refusals import refusal
from conversations.answering.sentences import Sentence, is_row, sentences_of_chunk
from conversations.answering.values import Answer, CheckedSentence, Passage, Support
from engines.embedding import Embedder, TextRole
from engines.embedding.cosines import cosines_of
from engines.languages import is_among, language_of
from engines.vectors.bm25 import Weights, document_terms, words_of_question

MODEL = "extractive"
# So many sentences are quoted at most, and so many embedded: those that are the best without that signal.
QUOTED, EMBEDDED = 3, 10
# What the signals weigh, fitted on half of the questions: `python -m benchmarks.answers`.
WORDS, LIKENESS, UNREAD_LIKENESS, RELEVANCE = 0.65, 0.35, 0.05, 0.3
# What the sentence before, the titles and the names of a table's columns have of the question's words counts so much.
CONTEXT = 0.5
# A sentence that is weaker than the best one by more is not quoted, and none is if the best one is below this.
BEHIND, FOUND = 0.5, 0.72


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """`terms` are those of the sentence, and `context` those of what it belongs to. `language` is that of the passage, and
    `strength` the sum of the signals."""

    passage: Passage
    sentence: Sentence
    terms: frozenset[int]
    context: frozenset[int]
    language: str | None
    strength: float = 0.0


def extract(question: str, passages: Sequence[Passage], embedder: Embedder, tenant_id: UUID) -> Answer:
    """Quote up to three sentences, those of the best passage first, or refuse if none is likely to have the answer. Raises
    EmbeddingError."""
    everything = [one for passage in passages for one in _candidates(passage)]
    candidates = _with_words(question, everything)
    candidates = _with_likeness(question, candidates, embedder, tenant_id)
    best = max((one.strength for one in candidates), default=0.0)
    if best < FOUND:
        return Answer(text=refusal(question), citations=(), is_refusal=True, model=MODEL)
    chosen = [one for one in candidates[:QUOTED] if one.strength >= best - BEHIND]
    return _answer(_in_order([*chosen, *_beside(chosen, everything)]))


def _candidates(passage: Passage) -> Iterator[_Candidate]:
    chunk, before = passage.chunk, frozenset[int]()
    language = language_of(chunk.text)
    titles = "\n".join((chunk.filename, chunk.title, *chunk.heading))
    about = _terms(titles, language)
    if is_row(header := chunk.text.split("\n", 1)[0]):
        about |= _terms(header, language)
    for sentence in sentences_of_chunk(chunk):
        terms = _terms(sentence.text, language)
        if sentence.text not in chunk.heading:
            yield _Candidate(
                passage=passage, sentence=sentence, terms=terms, context=about | before, language=language
            )
        before = terms


def _terms(text: str, language: str | None) -> frozenset[int]:
    return frozenset(document_terms(text, language).indices.tolist())


def _with_words(question: str, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The best first. A word is rare if few of the sentences have it. One that has no other words than the question answers
    nothing, and of several with the same words one is enough."""
    words = words_of_question(question)
    asked = {term for word in words for term in word}
    distinct = {one.terms: one for one in reversed(candidates) if one.terms - asked}
    candidates = list(distinct.values())
    having = Counter(
        place for one in candidates for place, word in enumerate(words) if word.keys() & one.terms
    )
    count = len(candidates)
    rarity = [log(1 + (count - having[place] + 0.5) / (having[place] + 0.5)) for place in range(len(words))]
    total = sum(max(word.values()) * weight for word, weight in zip(words, rarity, strict=True)) or 1.0

    def share(one: _Candidate) -> float:
        found = (weight * _found(word, one) for word, weight in zip(words, rarity, strict=True))
        return sum(found) / total

    strengths = (WORDS * share(one) + RELEVANCE * one.passage.chunk.score for one in candidates)
    return _sorted(
        replace(one, strength=strength) for one, strength in zip(candidates, strengths, strict=True)
    )


def _found(word: Weights, one: _Candidate) -> float:
    here = max((word[term] for term in word.keys() & one.terms), default=0.0)
    around = max((word[term] for term in word.keys() & one.context), default=0.0)
    return max(here, CONTEXT * around)


def _with_likeness(
    question: str, candidates: Sequence[_Candidate], embedder: Embedder, tenant_id: UUID
) -> list[_Candidate]:
    best = candidates[:EMBEDDED]
    if not best:
        return []
    asked = embedder.embed(tenant_id, [question], TextRole.QUESTION)[0]
    cosines = embedder.embed(tenant_id, [one.sentence.text for one in best], TextRole.PASSAGE) @ asked
    likeness = cosines_of(embedder).likeness
    is_read, language = is_among(question, embedder.languages), language_of(question)

    def weight(one: _Candidate) -> float:
        """In another language, a sentence cannot have the words, and its meaning counts instead."""
        is_foreign = language and one.language and language != one.language
        return (LIKENESS + (WORDS if is_foreign else 0)) if is_read else UNREAD_LIKENESS

    return _sorted(
        replace(one, strength=one.strength + weight(one) * likeness(cosine))
        for one, cosine in zip(best, cosines.tolist(), strict=True)
    )


def _sorted(candidates: Iterator[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: (-one.strength, one.passage.number, one.sentence.start))


def _beside(chosen: Sequence[_Candidate], everything: Sequence[_Candidate]) -> list[_Candidate]:
    """Neighbours of the best sentence, if there is room: the one before it may name what it is about."""
    quoted = {(one.passage.number, one.sentence.start) for one in chosen}
    keys = [(one.passage.number, one.sentence.start) for one in everything]
    at = keys.index((chosen[0].passage.number, chosen[0].sentence.start))
    neighbours = [place for place in (at - 1, at + 1) if 0 <= place < len(keys)]
    beside = [
        everything[place]
        for place in neighbours
        if keys[place][0] == keys[at][0] and keys[place] not in quoted
    ]
    return beside[: QUOTED - len(chosen)]


def _in_order(chosen: Sequence[_Candidate]) -> list[_Candidate]:
    """By passage, that of the strongest sentence first, and in the order of the document."""
    places = {number: place for place, number in reversed([*enumerate(one.passage.number for one in chosen)])}
    return sorted(chosen, key=lambda one: (places[one.passage.number], one.sentence.start))


def _answer(quoted: Sequence[_Candidate]) -> Answer:
    """A paragraph for each passage, and a line for each row of a table."""
    links, sentences = KnownLinks(one.sentence.text for one in quoted), list[CheckedSentence]()
    for number, group in groupby(quoted, key=lambda one: one.passage.number):
        links.end("\n\n" if links.text else "")
        for place, one in enumerate(group):
            links.end(("\n" if is_row(one.sentence.text) else " ") if place else "")
            start, quotation = len(links.text), links.end(f"{_quotation(one.sentence.text)} [{number}]")
            sentences.append(
                CheckedSentence(
                    start=start, end=start + len(quotation), cited=(number,), support=Support.SUPPORTED
                )
            )
    citations = tuple(cite(one.passage, one.sentence) for one in quoted)
    return Answer(text=links.text, citations=citations, sentences=tuple(sentences), model=MODEL)


def _quotation(text: str) -> str:
    """In one line, without what would be taken for a mark of the answer."""
    return " ".join(without_marks(text).split())
