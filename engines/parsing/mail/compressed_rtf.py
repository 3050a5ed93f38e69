"""Unpacks RTF as Outlook stores it in messages ([MS-OXRTFCP])."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<IIII")
_COMPRESSED = 0x75465A4C
_DICTIONARY_BYTES = 4_096
_PRELOADED = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompress(data: bytes) -> bytes:
    """Return the RTF. What is cut off or damaged gives what comes before."""
    if len(data) < _HEADER.size:
        return b""
    _, size, kind, _ = _HEADER.unpack_from(data)
    packed = data[_HEADER.size :]
    return _unpack(packed, size) if kind == _COMPRESSED else packed[:size]


def _unpack(packed: bytes, size: int) -> bytes:
    """Copy bytes, or earlier ones by their places in the dictionary: a byte of flags says which of the next eight are so."""
    out = bytearray(_PRELOADED)
    at, limit = 0, len(_PRELOADED) + size
    while at < len(packed) and len(out) < limit:
        flags, at = packed[at], at + 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += packed[at : at + 1]
                at += 1
                continue
            reference = int.from_bytes(packed[at : at + 2], "big")
            at += 2
            distance = (len(out) - (reference >> 4)) % _DICTIONARY_BYTES
            if distance == 0 or distance > len(out):  # the end, or damage
                return bytes(out[len(_PRELOADED) :])
            for _ in range((reference & 0xF) + 2):
                out.append(out[-distance])
    return bytes(out[len(_PRELOADED) : limit])
