"""What the worker makes of a parser process's answer. A hostile file may have written it: everything is checked here, and
only here."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from core.characters import count_invisible
from core.error_codes import ERROR_CODES
from core.error_origins import Origin
from core.names import printable
from engines.parsing import Element, Member, PageKind, ParsedDocument, ParseError, ReadingWarning
from engines.parsing.archives.members import clean_name, unique_name
from engines.parsing.formats import BY_TYPE
from engines.parsing.frames import (
    DATA_BYTES,
    MAX_ELEMENTS,
    MAX_HEADER_BYTES,
    MAX_MEMBERS,
    MAX_NAME_BYTES,
    MAX_WARNINGS,
    MODELS,
    FrameError,
    FrameKind,
    packed_bytes,
    unpack_elements,
)
from engines.parsing.job import Limits
from engines.parsing.text_cleaning import clean_element, clean_metadata, clean_prose
from engines.parsing.warnings import WARNINGS

_MAX_NAME_LETTERS = 1_000
_MAX_DETAIL_LETTERS = 1_000
_MEMBERS_FOLDER = "members"
_CODES_OF_WORK = ("file_missing", "disk_full")


class Answer:
    """The frames of one answer, in their order. Members are written below `folder` by the worker itself: no path is taken
    from the answer."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits, self._folder = limits, folder / _MEMBERS_FOLDER
        self._max_text_bytes = limits.text_mb << 20
        self._pages = self._output_bytes = 0
        self._header: dict[str, Any] = {}
        self._elements: bytes | None = None
        self._members: list[Member] = []
        self._names = dict[str, int]()

    @property
    def models(self) -> frozenset[str]:
        """Those that the reader has loaded."""
        models = self._header.get("models")
        return frozenset(one for one in MODELS if isinstance(models, list) and one in models)

    def max_bytes(self, kind: FrameKind) -> int:
        """The size that a frame may have, so that no more is read."""
        return {
            FrameKind.PAGE: 0,
            FrameKind.HEADER: MAX_HEADER_BYTES,
            FrameKind.ELEMENTS: packed_bytes(self._max_text_bytes, MAX_ELEMENTS),
            FrameKind.MEMBER: MAX_NAME_BYTES,
            FrameKind.DATA: DATA_BYTES,
            FrameKind.END: 0,
        }[kind]

    def add(self, kind: FrameKind, body: bytes) -> None:
        """Raise FrameError if the frame must not come now, and ParseError if the answer exceeds a limit of files."""
        if kind is FrameKind.PAGE:
            self._pages += 1
            if self._header or self._pages > self._limits.ocr_pages:
                raise FrameError("it has more pages than may be recognised")
        elif kind is FrameKind.HEADER and not self._header:
            self._header = _read_header(body)
        elif kind is FrameKind.ELEMENTS and self._elements is None and "mime_type" in self._header:
            self._elements = body
        elif kind is FrameKind.MEMBER and self._elements is not None:
            self._add_member(body)
        elif kind is FrameKind.DATA and self._members:
            self._add_data(body)
        else:
            raise FrameError(f"a frame {kind.name} is out of place")

    def document(self) -> ParsedDocument:
        """Return the complete answer. Raise ParseError if it is an error, and FrameError if it is not complete."""
        if "code" in self._header:
            raise _error_of(self._header)
        if self._elements is None:
            raise FrameError("it is not complete")
        unclean = list(unpack_elements(self._elements))
        if len(self._elements) > packed_bytes(self._max_text_bytes, len(unclean)):
            raise FrameError("it has more text than may be read")
        elements = tuple(filter(None, map(clean_element, unclean)))
        page_kind = _read_page_kind(self._header)
        if not elements and not self._members:
            raise ParseError("no_text")
        return ParsedDocument(
            mime_type=self._header["mime_type"],
            elements=elements,
            members=tuple(self._members),
            metadata=_read_metadata(self._header) | _facts(page_kind, unclean),
            page_kind=page_kind,
            warnings=tuple(_read_warnings(self._header)),
        )

    def cause(self) -> str:
        """What the process says for the log about its error."""
        cause = self._header.get("cause", "")
        return clean_prose(cause) if isinstance(cause, str) else ""

    def _add_member(self, name: bytes) -> None:
        if len(self._members) >= MAX_MEMBERS:
            raise FrameError(f"it has more than {MAX_MEMBERS} members")
        if not self._members:
            self._folder.mkdir()
        text = printable(clean_name(name.decode("utf-8", "surrogatepass")))[-_MAX_NAME_LETTERS:]
        path = self._folder / str(len(self._members) + 1)
        path.touch(exist_ok=False)
        self._members.append(Member(name=unique_name(text, self._names), path=path))

    def _add_data(self, data: bytes) -> None:
        self._output_bytes += len(data)
        if self._output_bytes > self._limits.output_mb << 20:
            limit = self._limits.output_mb
            raise ParseError("unpacks_too_large", size=f"more than {limit}", limit=limit)
        with os.fdopen(
            os.open(self._members[-1].path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW), "wb"
        ) as file:
            file.write(data)


def _read_header(body: bytes) -> dict[str, Any]:
    try:
        header = json.loads(body, parse_constant=_refuse_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise FrameError("its header cannot be read") from error
    mime_type = header.get("mime_type", "") if isinstance(header, dict) else None
    if not isinstance(mime_type, str) or (mime_type in BY_TYPE) == ("code" in header):
        raise FrameError("its header is neither that of a document nor an error")
    return dict(header)


def _read_metadata(header: dict[str, Any]) -> dict[str, Any]:
    metadata = header.get("metadata")
    if not isinstance(metadata, dict):
        raise FrameError("its metadata is no object")
    try:
        return dict(clean_metadata(metadata))
    except RecursionError as error:
        raise FrameError("its metadata is nested too deeply") from error


def _read_page_kind(header: dict[str, Any]) -> PageKind:
    try:
        return PageKind(header.get("page_kind", ""))
    except (ValueError, TypeError) as error:
        raise FrameError("its kind of pages is unknown") from error


def _read_warnings(header: dict[str, Any]) -> Iterator[ReadingWarning]:
    warnings = header.get("warnings")
    if not isinstance(warnings, list) or len(warnings) > MAX_WARNINGS:
        raise FrameError("its warnings are no list, or too long a one")
    for warning in warnings:
        match warning:
            case [str(code), str(detail)] if code in WARNINGS:
                yield ReadingWarning(code, clean_prose(detail)[:_MAX_DETAIL_LETTERS])
            case _:
                raise FrameError("a warning is unknown")


def _facts(page_kind: PageKind, unclean: Iterable[Element]) -> dict[str, Any]:
    """What the worker adds to the metadata: what pages are, unless they are pages, how much was left out, and how sure the
    recognition of the letters in pictures was, in percent."""
    count = sum(count_invisible(element.text) for element in unclean)
    facts = {
        "page_kind": page_kind if page_kind is not PageKind.PAGE else "",
        "invisible_characters": count,
        "ocr_confidence": _confidence(unclean),
    }
    return {name: value for name, value in facts.items() if value}


def _confidence(elements: Iterable[Element]) -> int:
    """The mean of the recognised letters; 0 if there are none."""
    recognised = [element for element in elements if element.confidence < 100]
    letters = sum(len(element.text) for element in recognised)
    return round(sum(element.confidence * len(element.text) for element in recognised) / max(letters, 1))


def _error_of(header: dict[str, Any]) -> ParseError:
    """The error that the answer reports: one that concerns the file, or the work on it."""
    code, detail = header["code"], header.get("detail")
    known = ERROR_CODES.get(code) if isinstance(code, str) else None
    is_allowed = known and (known.origin is Origin.FILE or code in _CODES_OF_WORK)
    if not is_allowed or not isinstance(detail, str):
        raise FrameError("its error is unknown")
    return ParseError(code, clean_prose(detail)[:_MAX_DETAIL_LETTERS])


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
