"""Points that end no sentence, because they belong to an abbreviation or to the number of a day, in several languages."""

from __future__ import annotations

import re
from pathlib import Path

# Without their last point, in lower case.
_ABBREVIATIONS = frozenset(
    word
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)
_LAST_WORD = re.compile(r"(?:^|(?<=[\s(\[«„“\"'/]))([^\s(\[«„“\"'/]{1,10})\.\s*$")
_LONGEST = 14
# In German, the number of a day has a point.
_DAY = re.compile(r"\d{1,2}")
_MONTH = re.compile(r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")


def is_abbreviated(text: str, end: int) -> bool:
    """Whether a sentence only seems to end before `end`, because of the point of a known abbreviation, of a single letter,
    or of the number of a day."""
    word = _LAST_WORD.search(text, max(0, end - _LONGEST), end)
    if not word:
        return False
    name = word[1].lower()
    is_day = _DAY.fullmatch(name) and _MONTH.match(text, end)
    return name in _ABBREVIATIONS or (len(name) == 1 and name.isalpha()) or bool(is_day)
