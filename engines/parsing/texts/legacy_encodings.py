"""Guesses the encoding of text that is neither UTF-8 nor UTF-16: a vote of two detectors, judged by how words look."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

# Files declare the narrow set, and have characters of the wide one, as browsers know.
_WIDER_SETS = {
    **dict.fromkeys(("iso8859-1", "ascii"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("tis-620", "iso8859-11"), "cp874"),
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
    "big5": "big5hkscs",
}
_ALIASES = {
    "iso-8859-8-i": "iso8859-8",
    "ansi": "cp1252",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "x-sjis": "cp932",
    "x-gbk": "gbk",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
}
# The letters beyond ASCII of the languages that each set is for. Any other language of Latin letters is Western.
_CENTRAL_ALPHABETS = {
    "cs": "áčďéěíňóřšťúůýž",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "pl": "ąćęłńóśźż",
    "ro": "ăâîşţ",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sq": "çë",
}
_ALPHABETS = {
    "cp1250": _CENTRAL_ALPHABETS,
    "iso8859-2": _CENTRAL_ALPHABETS,
    "cp1254": {"tr": "âçğ\u0131îi\u0307öşüû"},
    "cp1257": {"et": "äõöüšž", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž"},
}
_LATIN = ("cp1252", *_ALPHABETS)
_CENTRAL = ("cp1250", "iso8859-2")
# Of computers before Windows. The detectors know them badly.
_OLD = ("mac-roman", "cp850", "cp852", "mac-latin2", "mac-cyrillic")
_PIECES = 3
_MIN_PIECE_BYTES = 60
_MIN_CONFIDENCE = 0.04  # below, a word with an accent is taken for any language
_MIN_SHARE_OF_ALPHABET = 0.8
_CURRENCY = b"\xa4"  # the euro in ISO-8859-15, and else a sign without use
_ONLY_IN_WINDOWS = re.compile(rb"[\x80-\x9f]")
_MAX_ODD_SHARE = 0.15
_FEW_LETTERS = 2
_ASCII = bytes(range(128))
_SMALL = "a-zß-öø-ÿāăąćčďđēėęěğģīįķĺļľłńņňōőŕřśşšţťūůűųźżžά-ώа-џ"
_CAPITAL = "À-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĢĪĶĹĻĽŁŃŅŇŌŐŔŘŚŞŠŢŤŪŮŰŲŸŹŻŽΑ-ΫА-ЯЁ"
_CUT = re.compile(rb"[\x00-\x7f][\n ,;\t.]|[\n ,;\t]")
# What no word has inside: signs, capital letters between small ones; accents on all letters; and what no text has at all.
_ODD = re.compile(
    rf"(?<=[^\W\d_])[^\w\s\x00-\x7f\u2018\u2019\xb4·\xad\u2011–—…](?=[^\W\d_])|(?<=[{_SMALL}])[{_CAPITAL}](?=[{_SMALL}])"
    r"|[à-öø-ÿ]{5,}|[\x80-\x9f\ufffd\ue000-\uf8ff]"
)


def widest(name: str) -> str:
    """Return the encoding that files with this declaration are in, by Python's name; "" for an unknown one, or no legacy."""
    name = name.strip().lower()
    try:
        info = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError):
        return ""
    is_legacy = info._is_text_encoding and not info.name.startswith("utf")
    return _WIDER_SETS.get(info.name, info.name) if is_legacy else ""


@cache
def load() -> None:
    """Load the detectors' models, which takes a hundred times as long as a guess. Children that are forked have them."""
    _vote("Größe".encode("cp1252"))


@lru_cache(maxsize=2)  # it is asked for the beginning of a file, and for the file
def guess(data: bytes, declared: str = "") -> str:
    """Return the encoding. What is declared is believed, unless the words look wrong in it, and right in another one."""
    declared = widest(declared)
    voted = _vote_by_pieces(data)
    if not declared or declared == voted:
        return voted
    return declared if odd_share(data, declared) <= max(_MAX_ODD_SHARE, odd_share(data, voted)) else voted


def odd_share(data: bytes, encoding: str) -> float:
    """Return the share of the characters beyond ASCII that make no words in this encoding."""
    text = data.decode(encoding, "replace")
    beyond = sum(not character.isascii() for character in text)
    return sum(len(odd[0]) for odd in _ODD.finditer(text)) / max(1, beyond)


def _vote_by_pieces(data: bytes) -> str:
    """One byte that is wrong makes the detectors exclude the right encoding: then most pieces tell it nevertheless."""
    whole = _vote(data)
    size = len(data) // _PIECES
    if size < _MIN_PIECE_BYTES:
        return whole
    # Between two ASCII characters, because a letter may have several bytes.
    cuts = [
        0,
        *(match.end() if (match := _CUT.search(data, size * at)) else size * at for at in (1, 2)),
        len(data),
    ]
    votes = [_vote(data[start:end]) for start, end in pairwise(cuts)]
    most = max(votes, key=votes.count)
    is_clear = votes.count(most) > 1 and (most not in _LATIN or whole not in _LATIN)
    return most if is_clear and odd_share(data, most) <= max(0.05, odd_share(data, whole)) else whole


def _vote(data: bytes) -> str:
    import chardet
    from chardetng_py import detect

    general = widest(chardet.detect(data)["encoding"] or "")
    browsers = widest(detect(data)) or "cp1252"
    if general == "gb18030":  # the other takes short Chinese for Korean or Japanese
        return general
    if browsers not in _LATIN:
        return browsers
    best: str = next(one for one in _latin_candidates(data, browsers) if one and _has_alphabet(data, one))
    if odd_share(data, best) <= _MAX_ODD_SHARE:
        has_euro = best == "cp1252" and _CURRENCY in data and not _ONLY_IN_WINDOWS.search(data)
        return "iso8859-15" if has_euro else best
    old: tuple[str, ...] = (general, *_OLD) if general in _OLD else _OLD
    shares = {one: odd_share(data, one) for one in (best, *old)}
    return min(shares, key=shares.__getitem__)


def _latin_candidates(data: bytes, browsers: str) -> Iterator[str]:
    """Yield encodings of Latin letters, the likeliest first. Only the browsers' knows those of Central Europe."""
    import chardet

    found = chardet.detect(data, include_encodings=_LATIN)
    is_sure = found["confidence"] > _MIN_CONFIDENCE or len(data.translate(None, _ASCII)) > _FEW_LETTERS
    general = widest(found["encoding"] or "") if is_sure else ""
    yield browsers if general in _CENTRAL and browsers in _CENTRAL else general
    yield from _CENTRAL if general in _CENTRAL else ()
    yield browsers
    yield "cp1252"


def _has_alphabet(data: bytes, encoding: str) -> bool:
    """Return whether some language of the encoding has nearly all of the letters."""
    if encoding not in _ALPHABETS:
        return True
    letters = [
        each for each in data.decode(encoding, "replace").lower() if each.isalpha() and not each.isascii()
    ]
    return any(
        sum(letter in alphabet for letter in letters) >= _MIN_SHARE_OF_ALPHABET * len(letters)
        for alphabet in _ALPHABETS[encoding].values()
    )
