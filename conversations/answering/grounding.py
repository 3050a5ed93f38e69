"""Whether the passages that a sentence cites say what it says: by numbers, units, names, negations, words and meaning.

It compares; it does not understand. It is made to find what a model changes most often, and to leave paraphrases alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from conversations.answering.facts.names import names_in
from conversations.answering.facts.negation import Clause, Polarity, clauses_of
from conversations.answering.facts.numbers import Number, numbers_in
from conversations.answering.marks import MarkedSentence, marked_sentences
from conversations.answering.refusals import is_refusal
from conversations.answering.sentences import sentences_of
from conversations.answering.values import CheckedSentence, Passage, Support, TableCitation
from engines.embedding import Embedder, TextRole
from engines.embedding.cosines import cosines_of
from engines.languages import language_of
from engines.vectors.bm25 import count_words, share_of_words
from knowledge.pipeline.splitting import TokenCounter

# A sentence of a passage is near if it shares so much of the words, compared with the nearest one.
NEAR = 0.6
# Of a clause's words, so many are in the clause that says the same or the contrary.
SAME_CLAUSE, NEAREST_CLAUSE = 0.5, 0.8
# A part of a sentence with fewer words states nothing by itself.
MIN_CLAUSE = 3
# With so many of its words in the passages a sentence is supported, and otherwise with such a likeness in meaning.
ENOUGH_WORDS, ENOUGH_LIKENESS = 0.6, 0.6
# A name that is written in another form still shares its stem.
SAME_NAME = 0.5

_DIGITS = re.compile(r"\d[\d.,]*")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_ITEM = re.compile(r"^\s*(?:[-*>#]+|\d+[.)])\s+")
_TO_LAST_WORD = re.compile(r".*\w", re.DOTALL)
_QUESTION_OR_COLON = re.compile(r"[?:\u061f\uff1f\uff1a]")


@dataclass(frozen=True)
class _Statement:
    """A sentence of a passage, or all that is known of it: its document's name, its titles and its text."""

    text: str
    language: str

    @cached_property
    def numbers(self) -> list[Number]:
        return numbers_in(self.text)

    @cached_property
    def names(self) -> list[str]:
        return names_in(self.text, self.language)

    @cached_property
    def clauses(self) -> list[Clause]:
        return clauses_of(self.text, self.language)

    def has_words_of(self, text: str) -> float:
        return share_of_words(text, self.text)


@dataclass(frozen=True)
class _Evidence:
    """What a sentence may rely on: all of it, and the sentences that are near, the nearest first."""

    all: Sequence[_Statement]
    near: Sequence[_Statement]
    counter: TokenCounter

    @cached_property
    def numbers(self) -> list[Number]:
        return [number for statement in self.all for number in statement.numbers]

    def has_name(self, name: str, statements: Sequence[_Statement]) -> bool:
        return any(one.has_words_of(name) >= SAME_NAME for one in statements)


def check_grounding(
    text: str,
    passages: Sequence[Passage],
    embedder: Embedder,
    tenant_id: UUID,
    tables: Sequence[TableCitation] = (),
) -> tuple[CheckedSentence, ...]:
    """Return the sentences of an answer, each compared with the passages that it cites; if it cites none, with all of them.
    Where it may stand on rows of tables, only its numbers are compared. Raises EmbeddingError."""
    statements = {passage.number: _statements(passage) for passage in passages}
    statements |= {table.number: _rows_as_statements(table) for table in tables}
    of_tables = {table.number for table in tables}
    checked = list[CheckedSentence]()
    known = dict[tuple[str, tuple[int, ...]], tuple[Support, str]]()  # a model may repeat itself
    for sentence in marked_sentences(text):
        cited = tuple(number for number in sentence.cited if number in statements)
        key = sentence.words, cited
        if key not in known:
            given = [one for number in cited or statements for one in statements[number]]
            rules = _OF_ROWS if of_tables.intersection(cited or of_tables) else _RULES
            known[key] = _check(sentence, given, rules, embedder, tenant_id)
        support, reason = known[key]
        checked.append(
            CheckedSentence(
                start=sentence.start, end=sentence.end, cited=cited, support=support, reason=reason
            )
        )
    return tuple(checked)


def _statements(passage: Passage) -> list[_Statement]:
    chunk = passage.chunk
    language = language_of(chunk.text) or "en"
    about = _Statement("\n".join((chunk.filename, chunk.title, *chunk.heading)), language)
    return [*(_Statement(one.text, language) for one in sentences_of(chunk.text)), about]


def _rows_as_statements(table: TableCitation) -> list[_Statement]:
    names = " ".join((table.sql, *(name for _, name in table.data_sources)))
    rows = (
        ", ".join(f"{column} {value}" for column, value in zip(table.columns, row, strict=True))
        for row in table.rows
    )
    return [*(_Statement(text, "en") for text in rows), _Statement(f"{table.row_count} rows {names}", "en")]


def _check(
    sentence: MarkedSentence,
    given: Sequence[_Statement],
    rules: Sequence[Callable[[_Statement, _Evidence], str]],
    embedder: Embedder,
    tenant_id: UUID,
) -> tuple[Support, str]:
    text = _ITEM.sub("", sentence.words)
    if not sentence.cited and (_asks_or_leads_in(text) or is_refusal(text) or count_words(text) < 2):
        return Support.NOT_NEEDED, ""
    if not given:
        return Support.WEAK, "No passage was given."
    language = language_of(text) or given[0].language
    claim, evidence = _Statement(text, language), _evidence(text, given, embedder)
    reason = next(filter(None, (rule(claim, evidence) for rule in rules)), "")
    if not reason and rules is _RULES and not _is_alike(claim, evidence, embedder, tenant_id):
        reason = "The passages do not say this."
    return (Support.WEAK, reason) if reason else (Support.SUPPORTED, "")


def _asks_or_leads_in(text: str) -> bool:
    last_word = _TO_LAST_WORD.match(text)
    return bool(_QUESTION_OR_COLON.search(text, last_word.end() if last_word else 0))


def _evidence(text: str, given: Sequence[_Statement], counter: TokenCounter) -> _Evidence:
    """Numbers have no part in what is near, because they may be wrong."""
    words = _DIGITS.sub(" ", text)
    shares = [one.has_words_of(words) for one in given]
    order = sorted(range(len(given)), key=lambda place: -shares[place])
    near = [given[place] for place in order if shares[place] >= NEAR * shares[order[0]]]
    return _Evidence(given, near, counter)


def _wrong_number(claim: _Statement, evidence: _Evidence) -> str:
    return next(filter(None, (_contradiction(one, claim, evidence) for one in claim.numbers)), "")


def _contradiction(number: Number, claim: _Statement, evidence: _Evidence) -> str:
    same = [one for one in evidence.numbers if one.values & number.values]
    near = [one for statement in evidence.near for one in statement.numbers]
    if same and number.unit and all(one.unit not in {"", number.unit} for one in same):
        return f"The passage says {same[0].text}, not {number.text}."
    like = [one for one in near if one.is_like(number)]
    if any(one.values & number.values for one in like or near):
        return ""
    others = [one for one in like if not _states(claim, one)]
    if others:
        return f"The passage says {others[0].text}, not {number.text}."
    return "" if same or number.is_count_in_words else f"The passages do not have the number {number.text}."


def _states(claim: _Statement, number: Number) -> bool:
    return any(one.values & number.values for one in claim.numbers)


def _wrong_name(claim: _Statement, evidence: _Evidence) -> str:
    instead = [name for name in evidence.near[0].names if not claim.has_words_of(name) >= SAME_NAME]
    for name in (*claim.names, *(_rare_first_word(claim, evidence) if instead else ())):
        if not evidence.has_name(name, evidence.all):
            return f"The passages do not mention {name}."
    strange = [name for name in claim.names if not evidence.has_name(name, evidence.near)]
    if strange and instead and evidence.near[0].has_words_of(claim.text) >= SAME_CLAUSE:
        return f"The passage says {instead[0]}, not {strange[0]}."
    return ""


def _rare_first_word(claim: _Statement, evidence: _Evidence) -> Sequence[str]:
    """The first word has a capital letter in any case. If the embedder's vocabulary does not have it whole, it may be a
    name."""
    first = _FIRST_WORD.match(claim.text)
    is_rare = first and first[0][0].isupper() and evidence.counter.count_tokens([first[0]])[0] > 1
    return [first[0]] if first and is_rare else []


def _wrong_negation(claim: _Statement, evidence: _Evidence) -> str:
    others = [clause for one in evidence.near for clause in one.clauses[:-1] or one.clauses]
    stating = [clause for clause in claim.clauses if count_words(clause.text) >= MIN_CLAUSE]
    for clause in stating or claim.clauses[-1:]:
        shares = [share_of_words(clause.text, other.text) for other in others]
        best = max(shares, default=0.0)
        if best < SAME_CLAUSE:
            continue
        nearest = [
            other for other, share in zip(others, shares, strict=True) if share >= best * NEAREST_CLAUSE
        ]
        if clause.polarity is Polarity.AFFIRMS and all(_denies(other, clause) for other in nearest):
            return f"The passage denies this: “{nearest[0].text}”."
        if (
            clause.polarity is Polarity.DENIES
            and not any(map(_may_deny, others))
            and _denies(clause, nearest[0])
        ):
            return f"The passage does not deny this: “{nearest[0].text}”."
    return ""


def _denies(one: Clause, other: Clause) -> bool:
    return one.polarity is Polarity.DENIES and share_of_words(one.denied, other.text) > 0


def _may_deny(clause: Clause) -> bool:
    return clause.polarity is not Polarity.AFFIRMS


def _no_such_number(claim: _Statement, evidence: _Evidence) -> str:
    """Of rows, with the statement that has selected them."""
    known = frozenset[float]().union(*(one.values for one in evidence.numbers))
    missing = [one for one in claim.numbers if not (one.values & known or one.is_count_in_words)]
    return f"The rows do not have the number {missing[0].text}." if missing else ""


_OF_ROWS = (_no_such_number,)
_RULES: Sequence[Callable[[_Statement, _Evidence], str]] = (_wrong_number, _wrong_name, _wrong_negation)


def _is_alike(claim: _Statement, evidence: _Evidence, embedder: Embedder, tenant_id: UUID) -> bool:
    """Whether the passages have most of the words, or mean about the same."""
    together = "\n".join(one.text for one in evidence.all)
    if share_of_words(claim.text, together) >= ENOUGH_WORDS:
        return True
    texts = [claim.text, *dict.fromkeys(one.text for one in evidence.near[:3]), together]
    vectors = embedder.embed(tenant_id, texts, TextRole.PASSAGE)
    return cosines_of(embedder).likeness(float((vectors[1:] @ vectors[0]).max())) >= ENOUGH_LIKENESS
