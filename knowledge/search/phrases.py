"""Whether a text has a phrase: its words one after another, as a person sees them.

Line breaks, punctuation, case and accents make no difference. Symbols, such as those of "C++" and "50 %", count where the
phrase has them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# In scripts without spaces each character is a word: Thai, Lao, Burmese, Khmer; Japanese, Chinese; and Korean, whose
# particles are attached to the word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
# Accents, the points of Hebrew and Arabic, the Arabic lengthening of letters, and invisible characters within words. In
# other scripts, signs of vowels are letters.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f]"
)
_MARKS = "".join(filter(lambda one: unicodedata.category(one)[0] == "M", map(chr, range(0x0900, 0xFFFF))))
_WORD = rf"[^\W_{_UNSPACED}]+(?:[{_MARKS}]+[^\W_{_UNSPACED}]*)*|[{_UNSPACED}]"
# Punctuation that distinguishes words as symbols do.
_SIGNS = frozenset("#%&@§")


class Phrase:
    """`words` has its symbols, too."""

    def __init__(self, phrase: str) -> None:
        folded = fold(phrase)
        self._symbols = "".join(sorted(set(filter(_is_symbol, folded))))
        self.words = _words(folded, self._symbols)
        self._joined = f" {' '.join(self.words)} "

    def is_in(self, folded: str) -> bool:
        """Return whether the folded text has the phrase. The words are compared only if all of their letters are there."""
        return all(word in folded for word in self.words) and (
            self._joined in f" {' '.join(_words(folded, self._symbols))} "
        )


def fold(text: str) -> str:
    """Return the text as it is compared: in lower case, without accents, and with one form of each character."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed)).casefold()


def _is_symbol(character: str) -> bool:
    return character in _SIGNS or unicodedata.category(character)[0] == "S"


def _words(folded: str, symbols: str) -> list[str]:
    return _pattern(symbols).findall(folded)


@lru_cache(maxsize=256)
def _pattern(symbols: str) -> re.Pattern[str]:
    return re.compile(f"{_WORD}|[{re.escape(symbols)}]" if symbols else _WORD)
