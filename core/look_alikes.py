"""Whether people could take one name for another: by Unicode's list of confusable characters (UTS 39)."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

from confusable_homoglyphs.confusables import confusables_data

DIRECTION_MARK = "\u200e"  # the list has it around characters that are written from right to left
NAMES = 10_000  # each is compared with those of all tenants


def look_alike(first: str, second: str) -> bool:
    """Whether the names are the same but for case, spaces and characters that look alike."""
    return bool(_skeletons(first) & _skeletons(second))


@lru_cache(maxsize=NAMES)
def _skeletons(name: str) -> frozenset[str]:
    """Two forms, because upper and lower case letters resemble different ones: `I` an `l`, and `i` none."""
    return frozenset({_skeleton(_skeleton(name).casefold()), _skeleton(name.casefold())})


def _skeleton(name: str) -> str:
    spelt = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    replaced = "".join(map(_prototype, "".join(spelt.split())))
    return unicodedata.normalize("NFD", replaced)


@cache
def _prototype(char: str) -> str:
    """The character that stands for all that look like it. The list gives a prototype several others, and each of these the
    prototype alone; of a pair, the smaller one stands for both."""
    alike: list[str] = [entry["c"].strip(DIRECTION_MARK) for entry in confusables_data.get(char, ())]
    if len(alike) != 1:
        return char
    return alike[0] if len(confusables_data.get(alike[0], ())) > 1 else min(char, alike[0])
