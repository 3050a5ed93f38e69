"""Decodes text in any encoding."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from engines.parsing import ReadingWarning
from engines.parsing.texts import legacy_encodings
from engines.parsing.warnings import warning

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SEVEN_BITS = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso-2022-jp"))
_DECLARATION = re.compile(rb"""(?:charset|encoding|coding)\s*[=:]\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_HEAD_BYTES = 4_096
_CONTROL_CHARACTERS = bytes((*range(9), 11, *range(14, 27), *range(28, 32)))
_ASCII = bytes(range(128))
_SAMPLE_BYTES = 65_536
_START_BYTES = 64
_MAX_WORD = 100  # with the marks around, on average
_WITHOUT_SPACES = ("cp874",)  # besides those in which a letter has several bytes
_SAMPLE_LINES = 10_000
_WIDE_SAMPLE_BYTES = 4_096
_MIN_SHARE_OF_SCRIPT = 0.95
_MAX_ODD_SHARE = 0.5
_WRONG_PART = 4  # less than one of so many bytes is wrong
_MIN_CONTROLS = 5  # one of so many bytes
_SIGNS = "signs"
_EAST_ASIAN = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "HALFWIDTH", "KATAKANA-HIRAGANA")
)
_REPLACED = "\ufffd".encode()
_WESTERN = "cp1252"
_AS_WESTERN = "oyl-western"  # the handler of errors
_LINE_BREAK = re.compile(rb"[\r\n]+")


class Decoded(NamedTuple):
    """`replaced` is the number of bytes that are not valid in the encoding."""

    text: str
    encoding: str
    replaced: int = 0

    @property
    def warnings(self) -> tuple[ReadingWarning, ...]:
        if not self.replaced:
            return ()
        return (warning("replaced_bytes", count=self.replaced, encoding=self.encoding),)


def decode(data: bytes, declared: str = "") -> str:
    """Never fails. `declared` is the encoding that something outside of the data says it has."""
    return decode_counted(data, declared).text


def decode_counted(data: bytes, declared: str = "") -> Decoded:
    encoding = guess(data, declared)
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        if encoding == "utf-8":
            return _decode_mixed(data)
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, text.count("\ufffd"))


def guess(data: bytes, declared: str = "") -> str:
    """Return the encoding by a byte order mark, by validity, or by statistics that are checked against what is declared
    outside or inside of the data. Text that is mostly valid UTF-8 is UTF-8."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    if wide := _guess_wide(data):
        return wide
    if _is_utf8(data):
        found = (name for mark, name in _SEVEN_BITS if mark in data[:_SAMPLE_BYTES] and _is_valid(data, name))
        return next(found, "utf-8")
    lines = _lines_beyond_ascii(data)
    if _is_mostly_utf8(lines):
        return "utf-8"
    match = _DECLARATION.search(data[:_HEAD_BYTES])
    inside = match[1].decode("ascii", "replace") if match else ""
    return legacy_encodings.guess(b"\n".join(lines)[:_SAMPLE_BYTES], declared or inside)


def looks_like_text(head: bytes) -> bool:
    """Return whether the beginning of a file is text in some encoding."""
    if head.startswith(tuple(mark for mark, _ in _BOMS)) or _guess_wide(head):
        return True
    controls = len(head) - len(head.translate(None, delete=_CONTROL_CHARACTERS))
    if controls * 200 > len(head):
        return False
    return head.isascii() or _is_made_of_words(head)


def _is_made_of_words(head: bytes) -> bool:
    """Sounds and other series of bytes have no control characters either, but no encoding makes words of them."""
    encoding = guess(head)
    if encoding == "utf-8" and _REPLACED not in head:
        return True
    start = head[:_START_BYTES]
    if encoding != "utf-8" and len(start) > len(start.translate(None, _CONTROL_CHARACTERS)):
        return False
    lines = b"\n".join(_lines_beyond_ascii(head))
    has_spaces = len(lines.split()) * _MAX_WORD >= len(lines) or _count_beyond_ascii([lines]) * 3 < len(lines)
    is_without_spaces = encoding in _WITHOUT_SPACES or len(lines.decode(encoding, "replace")) < len(lines)
    return (has_spaces or is_without_spaces) and legacy_encodings.odd_share(lines, encoding) <= _MAX_ODD_SHARE


def _is_valid(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(data: bytes) -> bool:
    """Return whether the data, or the beginning of some data, is UTF-8."""
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _guess_wide(data: bytes) -> str:
    """Return the kind of UTF-16 or UTF-32 without a byte order mark, or "". Zero bytes alone do not tell: the result must
    be text."""
    sample = data[:_WIDE_SAMPLE_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROL_CHARACTERS))
    is_narrow = 0 not in sample or (controls * _MIN_CONTROLS < len(sample) and _is_utf8(sample))
    readings = {} if is_narrow else {encoding: _read_wide(sample, encoding) for encoding in _WIDE}
    likely = [encoding for encoding, text in readings.items() if text and _is_in_one_script(text)]
    # Most letters read with their bytes exchanged are East Asian ones, but spaces and line breaks are no spaces any more.
    return max(likely, key=lambda encoding: sum(map(str.isascii, readings[encoding])), default="")


def _read_wide(sample: bytes, encoding: str) -> str:
    width = 4 if "32" in encoding else 2
    try:
        return sample[: len(sample) - len(sample) % width].decode(encoding)
    except UnicodeDecodeError:
        return ""


def _is_in_one_script(text: str) -> bool:
    """Return whether nearly all characters are ASCII or of one more script, and hardly any has no meaning."""
    beyond = [each for each in text if not each.isascii()]
    scripts = Counter(map(_script, beyond))
    signs, unassigned = scripts.pop(_SIGNS, 0), scripts.pop("", 0)
    controls = unassigned + sum(each < " " and each not in "\t\n\r\f" for each in text)
    most = max(scripts.values(), default=0)
    return controls * 100 <= len(text) and most + signs >= _MIN_SHARE_OF_SCRIPT * len(beyond)


def _script(character: str) -> str:
    """Return the script of a letter; "" for what has no meaning."""
    if not character.isalpha():
        return "" if unicodedata.category(character)[0] == "C" else _SIGNS
    word = unicodedata.name(character, "").partition(" ")[0]
    return "CJK" if word in _EAST_ASIAN else word


def _lines_beyond_ascii(data: bytes) -> list[bytes]:
    """Only they tell the encoding. Some files have hundreds of lines of ASCII and one of names."""
    lines = (line for line in _LINE_BREAK.split(data) if not line.isascii())
    return list(islice(lines, _SAMPLE_LINES))


def _is_mostly_utf8(lines: list[bytes]) -> bool:
    """Return whether most of the bytes beyond ASCII are UTF-8 (in East Asian sets half of them are so by chance), or a good
    part of them in lines that are, in files to which two programs have written."""
    valid, total = _count_beyond_ascii(line for line in lines if _is_utf8(line)), _count_beyond_ascii(lines)
    return min(_count_wrong(lines) * _WRONG_PART, (total - valid) * 1.5) < total


def _count_beyond_ascii(lines: Iterable[bytes]) -> int:
    return sum(len(line.translate(None, _ASCII)) for line in lines)


def _count_wrong(lines: list[bytes]) -> int:
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    return sum("\udc80" <= each <= "\udcff" for text in texts for each in text)


def _decode_mixed(data: bytes) -> Decoded:
    """Decode text that is UTF-8 but for some bytes, or for some lines."""
    lines = data.split(b"\n")
    foreign = [line for line in lines if not _is_utf8(line) and not _is_mostly_utf8([line])]
    encoding = legacy_encodings.guess(b"\n".join(foreign)[:_SAMPLE_BYTES]) if foreign else _WESTERN
    others = set(foreign)
    texts = [
        line.decode(encoding, "replace") if line in others else line.decode("utf-8", _AS_WESTERN)
        for line in lines
    ]
    return Decoded("\n".join(texts), "utf-8", _count_wrong(lines))


def _read_as_western(error: UnicodeError) -> tuple[str, int]:
    """Handle bytes that are not UTF-8: one alone is a letter of Windows, more are the rest of a letter that was cut off."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    is_cut_off = len(wrong) > 1 or error.reason == "unexpected end of data"
    return "\ufffd" if is_cut_off else wrong.decode(_WESTERN, "replace"), error.end


codecs.register_error(_AS_WESTERN, _read_as_western)
