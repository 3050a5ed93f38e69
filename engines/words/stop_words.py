"""The words of grammar, which say little about what a text is about."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engines.words.folding import fold


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """Return the folded words of each language."""
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split() for line in lines if not line.startswith("#"))
    return {language: frozenset(map(fold, words)) for language, *words in rows}
