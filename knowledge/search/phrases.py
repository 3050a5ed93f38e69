"""Whether a text has a phrase: its words one after another, as a person sees them.

Line breaks, punctuation, case and accents make no difference. Symbols, such as those of "C++" and "50 %", count where the
phrase has them. Words and their spellings are those of the index of words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from engines.words.folding import fold_text, normalized
from engines.words.tokens import MARKS, UNSPACED, WORD

# Punctuation that distinguishes words as symbols do.
_SIGNS = frozenset("#%&@§")
# In scripts without spaces each character is a word. In others, marks are within a word.
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
_INNER_MARKS = frozenset(_IS_UNSPACED.sub("", MARKS))


class Phrase:
    """`words` has its symbols, too."""

    def __init__(self, phrase: str) -> None:
        folded = fold(phrase)
        self._symbols = "".join(sorted(set(filter(_is_symbol, folded))))
        self.words = _words(folded, self._symbols)
        self._joined = f" {' '.join(self.words)} "

    def is_in(self, folded: str) -> bool:
        """Return whether the folded text has the phrase. Its words are compared one after another only where it has all of
        them, because that takes a hundred times as long as looking for one."""
        return all(_has_word(folded, word) for word in self.words) and (
            len(self.words) == 1 or self._joined in f" {' '.join(_words(folded, self._symbols))} "
        )


def fold(text: str) -> str:
    """Return the text as it is compared."""
    return fold_text(normalized(text))


def has_words(text: str) -> bool:
    """Whether the text has a letter, a digit or a symbol."""
    return any(one.isalnum() or _IS_UNSPACED.match(one) or _is_symbol(one) for one in fold(text))


def _is_symbol(character: str) -> bool:
    return character in _SIGNS or unicodedata.category(character)[0] == "S"


def _words(folded: str, symbols: str) -> list[str]:
    return _pattern(symbols).findall(folded)


@lru_cache(maxsize=256)
def _pattern(symbols: str) -> re.Pattern[str]:
    return re.compile(f"{WORD}|[{UNSPACED}{re.escape(symbols)}]")


def _has_word(folded: str, word: str) -> bool:
    """Whether the text has it as a whole word."""
    at = folded.find(word)
    if not _is_inner(word[0]):
        return at >= 0
    while at >= 0:
        end = at + len(word)
        if not (_is_inner(folded[max(0, at - 1) : at]) or _is_inner(folded[end : end + 1])):
            return True
        at = folded.find(word, at + 1)
    return False


@lru_cache(maxsize=4096)
def _is_inner(character: str) -> bool:
    """Whether a word goes on with it, in scripts with spaces."""
    return character in _INNER_MARKS or (character.isalnum() and not _IS_UNSPACED.match(character))
