"""The script and the language of a text, for questions of two words as for passages.

Most scripts are used for one language only, so the script alone says which. For the others, a detector compares the letters
with what it has seen of 60 languages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The beginning decides: a passage is hardly longer, and the detector reads a thousand bytes.
_READ = 1000
# What the first language must reach at least, and by how much it must lead: the fewer languages share a script, and the more
# sequences of letters those share, the less. Measured: of questions with two words, 98 % of those that pass are right, of
# whole questions all.
_SCORE = 0.5
_LEAD = {"Latn": 0.1, "Deva": 0.001}
_LEAD_ELSEWHERE = 0.015
# Chinese has hardly any kana, and a Japanese text has always some.
_MIN_KANA = 0.1
# The detector takes Indonesian for Malay, which is very near to it and has a tenth of the speakers.
_RENAMED = {"ms": "id"}

LANGUAGE_OF_SCRIPT = {
    "Armn": "hy",
    "Beng": "bn",
    "Ethi": "am",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
    "Tibt": "bo",
}

# Where each script's blocks of letters begin. What lies between them, such as digits and signs, is of no script: "".
_BLOCKS = {
    0x0000: "",
    0x0041: "Latn",
    0x005B: "",
    0x0061: "Latn",
    0x007B: "",
    0x00AA: "Latn",
    0x00AB: "",
    0x00BA: "Latn",
    0x00BB: "",
    0x00C0: "Latn",
    0x0250: "Latn",
    0x02B0: "",
    0x0370: "Grek",
    0x0400: "Cyrl",
    0x0530: "Armn",
    0x0590: "Hebr",
    0x0600: "Arab",
    0x0660: "",
    0x066E: "Arab",
    0x06F0: "",
    0x06FA: "Arab",
    0x0700: "",
    0x0750: "Arab",
    0x0780: "",
    0x08A0: "Arab",
    0x0900: "Deva",
    0x0966: "",
    0x0970: "Deva",
    0x0980: "Beng",
    0x0A00: "Guru",
    0x0A80: "Gujr",
    0x0B00: "Orya",
    0x0B80: "Taml",
    0x0C00: "Telu",
    0x0C80: "Knda",
    0x0D00: "Mlym",
    0x0D80: "Sinh",
    0x0E00: "Thai",
    0x0E80: "Laoo",
    0x0F00: "Tibt",
    0x1000: "Mymr",
    0x10A0: "Geor",
    0x1100: "Hang",
    0x1200: "Ethi",
    0x13A0: "",
    0x1780: "Khmr",
    0x1800: "",
    0x1C90: "Geor",
    0x1CC0: "",
    0x1E00: "Latn",
    0x1F00: "Grek",
    0x2000: "",
    0x2E80: "Hani",
    0x3000: "",
    0x3005: "Hani",
    0x3008: "",
    0x3041: "Kana",
    0x3100: "Hani",
    0x3130: "Hang",
    0x3190: "",
    0x31F0: "Kana",
    0x3200: "",
    0x3400: "Hani",
    0x4DC0: "",
    0x4E00: "Hani",
    0xA000: "",
    0xA640: "Cyrl",
    0xA6A0: "",
    0xA720: "Latn",
    0xA800: "",
    0xA8E0: "Deva",
    0xA900: "",
    0xAC00: "Hang",
    0xD7FC: "",
    0xF900: "Hani",
    0xFB00: "Latn",
    0xFB13: "Armn",
    0xFB1D: "Hebr",
    0xFB50: "Arab",
    0xFE00: "",
    0xFE70: "Arab",
    0xFEFF: "",
    0xFF21: "Latn",
    0xFF3B: "",
    0xFF41: "Latn",
    0xFF5B: "",
    0xFF66: "Kana",
    0xFFA0: "Hang",
    0xFFE0: "",
    0x20000: "Hani",
    0x32000: "",
}
_STARTS = np.array(list(_BLOCKS), np.uint32)
_SCRIPTS = sorted(set(_BLOCKS.values()))
_SCRIPT_OF_BLOCK = np.array([_SCRIPTS.index(script) for script in _BLOCKS.values()])
# A character of these scripts says as much as two or three letters.
_WEIGHTS = np.array([{"": 0, "Hani": 3, "Kana": 2, "Hang": 2}.get(script, 1) for script in _SCRIPTS])


def script_of(text: str) -> str | None:
    """Return the script that most of the text is written in, as a code of ISO 15924 ("Latn", "Hani", "Kana" of all
    Japanese), or None if there are no letters."""
    text = text[:_READ]
    if text.isascii():
        return "Latn" if any(map(str.isalpha, text)) else None
    weights = dict(zip(_SCRIPTS, (_counts(text) * _WEIGHTS).tolist(), strict=True))
    if weights["Kana"] > _MIN_KANA * weights["Hani"]:
        weights["Kana"] += weights.pop("Hani")
    script = max(weights, key=lambda one: weights[one])
    return script if weights[script] else None


def language_of(text: str) -> str | None:
    """Return the language as a code of ISO 639-1, or None when it is not certain."""
    script = script_of(text)
    if script is None or script in LANGUAGE_OF_SCRIPT:
        return LANGUAGE_OF_SCRIPT.get(script or "")
    scores: dict[str, float] = _detector()(text[:_READ].encode(errors="ignore").decode()).scores
    (first, score), (_, second) = [*scores.items(), ("", 0.0), ("", 0.0)][:2]
    if score < _SCORE or score - second < _LEAD.get(script, _LEAD_ELSEWHERE):
        return None
    return _RENAMED.get(first, first)


def languages_of(parts: Sequence[str]) -> list[str | None]:
    """Return the language of each part of a document. Where it is not certain, it is the one that most of the others in the
    same script have; in a part without letters, the one that most of all have."""
    languages = [language_of(part) for part in parts]
    if None in languages:
        scripts = [script_of(part) for part in parts]
        found = Counter(zip(scripts, languages, strict=True)).most_common()
        of_script = {script: language for (script, language), _ in reversed(found) if language}
        most = next((language for (_, language), _ in found if language), None)
        pairs = zip(scripts, languages, strict=True)
        languages = [language or (of_script.get(script) if script else most) for script, language in pairs]
    return languages


def is_among(text: str, languages: frozenset[str] | None) -> bool:
    """Whether the text is in one of the languages, if the detector is certain: a few words in Latin letters may be in any.
    None stands for unknown languages."""
    if languages is None:
        return True
    language = language_of(text)
    return language in languages if language else script_of(text) in {None, "Latn"} or len(languages) > 1


def _counts(text: str) -> NDArray[np.int64]:
    """The number of characters in each of the `_SCRIPTS`."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    blocks = np.searchsorted(_STARTS, points, side="right") - 1
    return np.bincount(_SCRIPT_OF_BLOCK[blocks], minlength=len(_SCRIPTS))


@cache
def _detector() -> Callable[[str], Any]:
    import eldc

    eldc.init()
    detect: Callable[[str], Any] = eldc.detect_details
    return detect
