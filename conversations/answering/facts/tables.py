"""The lists of words beside this file: one entry a line, after a line with `#` that says what they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from engines.words.folding import fold


def lines_of(name: str) -> Iterator[list[str]]:
    """The words of each line, folded."""
    text = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8")
    return ([*map(fold, line.split())] for line in text.splitlines() if not line.startswith("#"))


@cache
def first_by_word(name: str) -> dict[str, str]:
    """{word: the first word of its line}."""
    return {word: words[0] for words in lines_of(name) for word in words}
