"""The characters that a reader does not see, and those that are no text: what texts and names leave out."""

from __future__ import annotations

import re

# Unicode's Default_Ignorable_Code_Point and the other format characters (Cf): soft hyphen, marks and overrides of direction,
# zero-width characters, fillers, variation selectors, interlinear annotation, tag characters. Not the format characters that
# have a shape, as ARABIC NUMBER SIGN.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Scripts whose letters are joined or stacked, from Arabic to the Brahmic ones, without the invisible characters among them.
_JOINED = (
    "\u0600-\u061b\u061d-\u07ff\u0840-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
    "\u1a20-\u1aaf\u1b00-\u1c4f\ua840-\ua8ff\ua980-\uaa7f\uaae0-\uaaff\uabc0-\uabff\ufb50-\ufdcf\ufe70-\ufefe"
    "\U00010a00-\U00010aff\U00010d00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_KEPT = (
    f"(?!(?<=[{_JOINED}]\u200c)[{_JOINED}])"  # ZERO WIDTH NON-JOINER between letters, as in Persian
    f"(?<![{_JOINED}]\u200d)"  # ZERO WIDTH JOINER after a letter, as in Devanagari
    f"(?!(?<=[{_EMOJI}]\u200d)[{_EMOJI}])(?!(?<=[{_EMOJI}]\ufe0f\u200d)[{_EMOJI}])"  # families of emoji
    f"(?<![{_EMOJI}]\ufe0f)(?!(?<=[0-9#*]\ufe0f)\u20e3)"  # VARIATION SELECTOR-16: emoji in colour, keycaps
    "(?<![\u1820-\u18aa][\u180b-\u180f])"  # forms of Mongolian letters
)
# Half surrogate pairs, and code points that are no characters.
_NO_CHARACTERS = "\ud800-\udfff\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Soft hyphens, zero-width spaces and byte order marks: typesetters and editors leave them in ordinary texts.
_TYPESETTING = "\u00ad\u200b\u2060\ufeff"
_INVISIBLE = re.compile(f"(?![{_TYPESETTING}])[{_UNSEEN}]{_KEPT}")


def unusable(controls: str) -> re.Pattern[str]:
    """The pattern of a character that is not seen, or is no character, or is one of the `controls` (in the syntax of a
    regular expression's set)."""
    return re.compile(f"[{controls}{_UNSEEN}{_NO_CHARACTERS}]{_KEPT}")


def count_invisible(text: str) -> int:
    """How many characters `unusable` finds that a reader does not see, and that ordinary texts do not have either."""
    return 0 if text.isascii() else sum(1 for _ in _INVISIBLE.finditer(text))
