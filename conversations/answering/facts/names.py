"""Names in a sentence, in scripts with capital letters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engines.words.folding import fold
from engines.words.stop_words import stop_words

# After these marks, a capital letter says nothing.
_WORD = re.compile(r"[^\W\d_][\w\-]*(?:['’]\w+)*")
_BEGINS = re.compile(r"(?:^|[.:!?>\"“„«(]\s*|\n\s*(?:[-*]\s*)?)$")
# In German and Luxembourgish, all nouns have capital letters.
_WITH_CAPITAL_NOUNS = {"de", "lb"}
_TITLES = {"herr", "herrn", "frau", "dr", "prof"}


def names_in(text: str, language: str) -> list[str]:
    """Return the words with capital letters that are names. The first word is one only if another follows; in languages in
    which all nouns have capital letters, only those are names that stand together or after a title."""
    words, names = [*_WORD.finditer(text)], list[str]()
    grammar = stop_words().get(language, frozenset())
    for place, word in enumerate(words):
        if word[0][0].isupper() and fold(word[0]) not in grammar:
            begins = bool(_BEGINS.search(text[max(0, word.start() - 4) : word.start()]))
            has_neighbour = _is_beside(text, words, place, place + 1) or _is_beside(
                text, words, place - 1, place
            )
            needs_one = begins or language in _WITH_CAPITAL_NOUNS
            if language in _WITH_CAPITAL_NOUNS and place < 2:
                has_neighbour = False
            if not needs_one or has_neighbour or _follows_title(words, place) or word[0][1:].isupper():
                names.append(word[0])
    return names


def _is_beside(text: str, words: Sequence[re.Match[str]], left: int, right: int) -> bool:
    """Whether two words with capital letters have only a space between them."""
    if left < 0 or right >= len(words):
        return False
    both = words[left][0][0].isupper() and words[right][0][0].isupper()
    return both and text[words[left].end() : words[right].start()] == " "


def _follows_title(words: Sequence[re.Match[str]], place: int) -> bool:
    return place > 0 and fold(words[place - 1][0]) in _TITLES
