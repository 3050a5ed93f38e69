"""Conditional requests and parts of answers (RFC 9110): `If-Match`, `If-None-Match`, `Range` and `If-Range`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.http import parse_etags

from core.errors import OylError

Headers = Mapping[str, str]
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class RangeNotSatisfiableError(OylError):
    """The file has no such bytes: `Content-Range` says how many it has."""

    def __init__(self, size: int = 0) -> None:
        super().__init__()
        self.size = size


def names(etags: str, etag: str) -> bool:
    """Whether the header names it. A proxy that compresses marks an ETag as weak, which makes no difference here."""
    given = parse_etags(etags)
    return given == ["*"] or etag in [one.removeprefix("W/") for one in given]


def is_unchanged(headers: Headers, etag: str) -> bool:
    """Whether the client has it already, so that the answer is 304."""
    return "If-None-Match" in headers and names(headers["If-None-Match"], etag)


def wanted_range(headers: Headers, *, size: int, etag: str) -> range | None:
    """The bytes that are asked for; None for all, also if several parts are asked for, or parts of an older state. Raises
    RangeNotSatisfiableError."""
    match = RANGE.fullmatch(headers.get("Range", ""))
    if match is None or match[0] == "bytes=-" or headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    if not first:  # so many at the end
        wanted = range(max(0, size - int(last)), size)
    else:
        wanted = range(int(first), min(size, int(last) + 1) if last else size)
        if last and int(last) < int(first):
            return None
    if not wanted:
        raise RangeNotSatisfiableError(size)
    return wanted


def range_headers(wanted: range, size: int) -> dict[str, str]:
    return {
        "Content-Range": f"bytes {wanted.start}-{wanted.stop - 1}/{size}",
        "Content-Length": str(len(wanted)),
    }
