"""Decodes the names of files in archives, most of which are in the encoding of the system that packed them."""

# ruff: noqa: RUF001 - the letters are those of many alphabets
from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple
from zipfile import ZipInfo

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_EXTRA_HEADER, _PATH_HEADER = struct.Struct("<HH"), struct.Struct("<BI")
# The letters beyond ASCII of languages that share an encoding. Names in an archive are mostly of one.
_WESTERN = (
    *("äöüßé", "àâçéèêëîïôùûüœæ", "áéíñóúü", "áàâãçéêíóôõú", "àèéìíòóù", "æøåéö", "åäöé"),
    "áéëïóöüèê",
)
_CENTRAL = ("áčďéěíňóřšťúůýžäöü", "ąćęłńóśźż", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "čćđšž", "ăâîşţ", "äöüß")
_TURKISH, _ICELANDIC = ("âçğıiîöşüû",), ("áéíóúýðþæö",)
_WINDOWS_SIGNS = "–—’‘“”„…€°§«»©®"
_KANA = "\u3041-\u30ff、。「」・ー（）〜～"


class _Script(NamedTuple):
    """An encoding, the characters that are usual in it, the first bytes of the usual ones of thousands, and the alphabets of
    its languages."""

    encoding: str
    usual: str = ""
    first_bytes: range = range(0)
    alphabets: tuple[str, ...] = ()


# In the order in which they are preferred.
_SCRIPTS = (
    _Script("cp1252", _WINDOWS_SIGNS, alphabets=_WESTERN),
    _Script("cp850", alphabets=_WESTERN),
    _Script("cp866", "а-яёА-ЯЁ№"),
    _Script("cp1251", "а-яёА-ЯЁіїєґІЇЄҐ№–—«»"),
    _Script("cp932", _KANA, range(0x88, 0x98)),
    _Script("gb18030", "（）【】《》、，。：“”—", range(0xB0, 0xD8)),
    _Script("cp949", "", range(0xB0, 0xC9)),
    _Script("big5hkscs", "（）【】《》、，。：—", range(0xA4, 0xC7)),
    _Script("cp1250", _WINDOWS_SIGNS, alphabets=_CENTRAL),
    _Script("cp852", alphabets=_CENTRAL),
    _Script("cp1253", "Α-ώΆ-Ώ"),
    _Script("cp737", "Α-ώΆ-Ώ"),
    _Script("cp1254", _WINDOWS_SIGNS, alphabets=_TURKISH),
    _Script("cp857", alphabets=_TURKISH),
    _Script("cp1252", alphabets=_ICELANDIC),
    _Script("cp1255", "א-ת"),
    _Script("cp862", "א-ת"),
    _Script("cp1256", "ء-ي"),
    _Script("cp874", "ก-๛"),
)
_VOTE = 0.05
_EAST_ASIAN = ("cp932", "cp949", "big5hkscs", "gb18030")
_PYTHON_NAMES = {
    **{f"windows-{number}": f"cp{number}" for number in (*range(1250, 1259), 874)},
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "ibm866": "cp866",
}
# Capitals and signs within words, letters of two scripts in a word, rows of accents, and the second bytes of other letters.
_ODD = re.compile(
    r"(?<=[a-zà-ÿą-žа-яά-ώ])(?:[À-ÖØ-ÞА-ЯΆ-Ϋ](?![A-ZÀ-ÞА-ЯΆ-Ϋ])|[–—‘“”„…€°§«»©®](?=[^\W\d_]))"
    r"|(?<=[A-Za-z])[Ͱ-ӿ֐-ۿ฀-๿]|[Ͱ-ӿ֐-ۿ฀-๿](?=[A-Za-z])|(?<=[A-Za-z])[⺀-퟿]+(?=[a-z])|[À-ž]{3}"
    r"|(?<=[^\x00-\x7f])[\\^`{|}~]"
)


def decode_names(names: Sequence[bytes]) -> list[str]:
    """Return the names, which all have the same encoding: the one in which they are usual writing."""
    encoding = _guess(b"\n".join(names))
    return [name.decode(encoding, "replace") for name in names]


def _guess(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        voted = _vote(data)
        # Of the encodings that are as good, this is the first one.
        return max(
            _SCRIPTS, key=lambda script: _score(data, script) + _VOTE * (script.encoding == voted)
        ).encoding
    return "utf-8"


def _vote(data: bytes) -> str:
    """Return what the detectors of text say, if they agree, because names are short for them. One knows East Asia well."""
    import chardet
    import chardetng_py

    general, browsers = (
        _PYTHON_NAMES.get(name.lower(), name.lower())
        for name in (chardet.detect(data)["encoding"] or "", chardetng_py.detect(data))
    )
    return browsers if browsers in _EAST_ASIAN or browsers == general else ""


def _score(data: bytes, script: _Script) -> float:
    """Return the share of the characters beyond ASCII that are usual, less what looks odd."""
    try:
        text = data.decode(script.encoding)
    except UnicodeDecodeError:
        return -1
    beyond = [character for character in text if not character.isascii()]
    usual = set(re.findall(f"[{script.usual}]", text)) if script.usual else set()
    count = sum(each in usual or _is_usual_in_thousands(each, script) for each in beyond)
    count += max((sum(each.lower() in one for each in beyond) for one in script.alphabets), default=0)
    return (count - len(_ODD.findall(text))) / max(1, len(beyond))


def _is_usual_in_thousands(character: str, script: _Script) -> bool:
    encoded = character.encode(script.encoding)
    return len(encoded) == 2 and encoded[0] in script.first_bytes


def zip_names(entries: Sequence[ZipInfo]) -> list[str]:
    """Return the names of a zip archive's entries. Some say that theirs are UTF-8, or have it besides."""
    unknown = [
        entry for entry in entries if not entry.flag_bits & _UTF8_FLAG and not entry.filename.isascii()
    ]
    decoded = decode_names([entry.filename.encode("cp437") for entry in unknown])
    by_entry = dict(zip(map(id, unknown), decoded, strict=True))
    return [_unicode_path(entry) or by_entry.get(id(entry), entry.filename) for entry in entries]


def _unicode_path(entry: ZipInfo) -> str:
    """Return the name in the extra field for it, if it is that of this entry."""
    extra = entry.extra
    while len(extra) >= _EXTRA_HEADER.size:
        kind, size = _EXTRA_HEADER.unpack_from(extra)
        field, extra = extra[_EXTRA_HEADER.size :][:size], extra[_EXTRA_HEADER.size + size :]
        if kind == _UNICODE_PATH and len(field) > _PATH_HEADER.size and not entry.flag_bits & _UTF8_FLAG:
            _, checksum = _PATH_HEADER.unpack_from(field)
            if checksum == zlib.crc32(entry.filename.encode("cp437")):
                return field[_PATH_HEADER.size :].decode("utf-8", "replace")
    return ""
