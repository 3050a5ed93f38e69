"""Text to sparse vectors, the same for every adapter: stored texts and questions are cut into the same words.

A passage has the stems of its words by the rules of its own language. The language of a question may be unknown, and a
collection may have several: so a question has the stems of its words in its own language, and with less weight those in all
others. The same word is always found, and its forms in the language of the passage. docs/decisions/0035 has the figures.

Qdrant adds the inverse document frequency at search time.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from itertools import pairwise, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.languages import language_of
from engines.words.folding import fold, forms, normalized
from engines.words.stems import PREFIX_LENGTH, all_stems, prefix, stem, stored_stems
from engines.words.stop_words import stop_words
from engines.words.tokens import TOKEN, clusters, is_unspaced, words_of

# Documents whose terms were made by another version are indexed again.
VERSION = "1"
K1, B = 1.2, 0.75
# About the mean number of words in a chunk, without stop words. A constant, because stored vectors must not depend on other
# points.
AVERAGE_LENGTH = 70
# How much the parts of a compound, the beginning of a word and its stems in other languages count in a question, where the
# word itself counts 1.
PART, PREFIX, OTHER_LANGUAGE = 0.5, 0.4, 0.2
# Two characters, or syllables, of a script without spaces are about a word.
CLUSTER_LENGTH = 0.5
# The terms of a token are looked up, which takes a hundredth of the time that making them takes.
CACHED_TOKENS, LONGEST_CACHED = 50_000, 40


class Sparse(NamedTuple):
    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


# Of a passage's token: the ids of its terms, as the bytes of an array, and its length in words.
TokenTerms = tuple[bytes, float]
Weights = dict[int, float]  # of the terms by which one word of a question is found


def document_terms(text: str, language: str | None = None) -> Sparse:
    """Return the weights of a text's terms, in the order of the terms."""
    keys = zip(TOKEN.findall(normalized(text)), repeat(language))
    tokens = [*map(_known_tokens().__getitem__, keys)]
    ids, length = b"".join([ids for ids, _ in tokens]), sum([length for _, length in tokens])
    indices, counts = np.unique(np.frombuffer(ids, np.uint32), return_counts=True)
    frequencies = counts.astype(np.float32)
    saturation = K1 * (1 - B + B * length / AVERAGE_LENGTH)
    return Sparse(indices, frequencies * (K1 + 1) / (frequencies + saturation))


def query_terms(text: str, *, exact: bool = False) -> Sparse:
    """Return the weights of a question's terms, each word as often as it is there; if `exact`, only those that all passages
    with the same word have. Stop words count only if there is nothing else."""
    weights = Counter[int]()
    for word in words_of_question(text, exact=exact):
        weights.update(word)
    indices = np.fromiter(weights, np.uint32, len(weights))
    return Sparse(indices, np.fromiter(weights.values(), np.float32, len(weights)))


def share_of_words(question: str, text: str) -> float:
    """The part of the question's words that the text has."""
    words = words_of_question(question)
    terms = set(document_terms(text, language_of(text)).indices.tolist())
    found = sum(max((word[term] for term in word.keys() & terms), default=0.0) for word in words)
    return found / max(1.0, count_words(question))


def has_only_stop_words(question: str) -> bool:
    """Whether it has several words, all of which are stop words in some language, as "to be or not to be"."""
    tokens = TOKEN.findall(normalized(question))
    return len(tokens) > 1 and all(fold(token) in _all_stop_words() for token in tokens)


@cache
def _all_stop_words() -> frozenset[str]:
    return frozenset().union(*stop_words().values())


def count_words(question: str) -> float:
    """Return how many words of the question count; a part of one counts half."""
    return sum(max(word.values()) for word in words_of_question(question))


@lru_cache(maxsize=1024)
def words_of_question(text: str, *, exact: bool = False) -> Sequence[Weights]:
    """Return the terms of each word that counts."""
    text = normalized(text)
    language, has_capitals_only = language_of(text), text.isupper()
    # A single word may be one of any language, or a name.
    others = OTHER_LANGUAGE if language and not exact and " " in text.strip() else 1.0
    words, rest = list[Weights](), list[Weights]()
    for token in TOKEN.findall(text):
        if is_unspaced(token):
            words += _asked_run(token)
        elif _is_stop_word(token, language) and (has_capitals_only or not _is_name(token)):
            rest += _asked(token, language, others, exact=exact)
        else:
            words += _asked(token, language, others, exact=exact)
    return words or rest


def _is_stop_word(token: str, language: str | None) -> bool:
    return fold(token) in stop_words().get(language or "", ())


def _is_name(token: str) -> bool:
    """Whether it is in capitals, as WHO and IT are."""
    return len(token) > 1 and token.isupper()


class _KnownTokens(dict[tuple[str, str | None], TokenTerms]):
    """The terms of tokens, by token and language. It is a dict, because a passage has about a hundred tokens, for each of
    which `lru_cache` takes twice as long."""

    def __missing__(self, key: tuple[str, str | None]) -> TokenTerms:
        terms = _of_token(*key)
        if len(key[0]) <= LONGEST_CACHED:
            if len(self) >= CACHED_TOKENS:
                self.clear()
            self[key] = terms
        return terms


@cache
def _known_tokens() -> _KnownTokens:
    return _KnownTokens()


def _of_token(token: str, language: str | None) -> TokenTerms:
    if is_unspaced(token):
        parts = clusters(token)
        # Single ones, too, so that a question of one finds them.
        return _ids([*parts, *map("".join, pairwise(parts))]), len(parts) * CLUSTER_LENGTH
    words, terms = words_of(token), set[str]()
    for word in (*words.wholes, *words.parts):
        for form in forms(word, language):
            terms |= stored_stems(form, language)
        # Of words that are as short, the beginning is the word.
        if len(word) > PREFIX_LENGTH:
            terms.add(_beginning(word))
    is_stop_word = _is_stop_word(token, language)
    if is_stop_word:
        terms.add(_name(token))
    return _ids(terms - {""}), float(not is_stop_word)


@lru_cache(maxsize=CACHED_TOKENS // 5)
def _asked(token: str, language: str | None, others: float, *, exact: bool) -> list[Weights]:
    """The terms of a token of a question: of the whole, and of each of its parts. Stems in `others` than its language count
    so much of it."""
    words = words_of(token)
    parts = () if exact else words.parts
    spellings = [(words.wholes, 1.0), *(((part,), PART) for part in parts)]
    asked = list[Weights]()
    for wholes, weight in spellings:
        terms = dict[str, float]()
        for form in (form for whole in wholes for form in forms(whole, language)):
            in_any = dict.fromkeys(all_stems(form), weight * others)
            terms = {**in_any, **terms, stem(form, language): weight}
        if not exact:
            terms |= dict.fromkeys(map(_beginning, wholes), weight * PREFIX)
        if any(terms):  # there is none of a lone lengthening of letters
            asked.append({_id(term): value for term, value in terms.items() if term})
    if _is_stop_word(token, language) and _is_name(token):
        asked.append({_id(_name(token)): 1.0})
    return asked


def _asked_run(run: str) -> list[Weights]:
    parts = clusters(run)
    return [{_id(term): 1.0} for term in map("".join, pairwise(parts))] or [{_id(parts[0]): 1.0}]


def _beginning(word: str) -> str:
    return f"^{beginning}" if (beginning := prefix(word)) else ""


def _name(token: str) -> str:
    return f"={token}" if _is_name(token) else ""


def _id(term: str) -> int:
    return zlib.crc32(term.encode(errors="surrogatepass"))


def _ids(terms: Collection[str]) -> bytes:
    return np.fromiter(map(_id, terms), np.uint32, len(terms)).tobytes()
