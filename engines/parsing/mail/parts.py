"""The parts of a mail: what a reader is shown, and the files that are attached."""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from engines.parsing import Element, ParseError
from engines.parsing.mail import calendar_text, signed_data
from engines.parsing.mail.headers import attached_name, header
from engines.parsing.mail.text import html_elements, plain_elements
from engines.parsing.texts import encoding, text

_RTF = ("application/rtf", "text/rtf", "application/x-rtf")
# What mail programs need, and nobody reads.
_UNSEEN = (
    *("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"),
    *("application/pgp-keys", "application/applefile", "message/external-body", "text/x-amp-html"),
    *("text/css", "text/javascript", "application/javascript", "application/x-javascript"),
)
_PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"
_TNEF_NAME = "winmail.dat"
_MAX_NAME_LETTERS = 100
_UNSEEN_NAMES = re.compile(r"(?i)signature\.asc|.*\.(?:p7s|sig)")
_MIN_SHARE_OF_WORDS = 0.75  # of an alternative that is taken although a plainer one says more
_ADDRESS = re.compile(r"\w+://\S+")
_WORD = re.compile(r"\w+")
_TINY, _SMALL, _SMALL_AREA = 32, 100, 40_000  # in pixels


@dataclass(slots=True)
class Content:
    """Calendars come beside the alternatives to which they belong. `is_encrypted` is set if some part is."""

    elements: list[Element] = field(default_factory=list)
    calendars: list[Element] = field(default_factory=list)
    attachments: list[tuple[str, bytes]] = field(default_factory=list)
    is_encrypted: bool = False

    def add(self, other: Content) -> None:
        self.elements += other.elements
        self.calendars += other.calendars
        self.attachments += other.attachments
        self.is_encrypted |= other.is_encrypted


def read_parts(part: Message) -> Content:
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        return _read_multipart(kind, _children(part))
    name = attached_name(part)
    if _UNSEEN_NAMES.fullmatch(name):
        return Content()
    reader = _read_tnef if name.lower() == _TNEF_NAME else _READERS.get(kind, _read_other)
    return reader(part, name)


def _read_multipart(kind: str, parts: list[Message]) -> Content:
    if kind == "multipart/alternative":
        return _richest([read_parts(part) for part in parts])
    if kind == "multipart/encrypted":
        return Content(is_encrypted=True)
    if kind == "multipart/signed":
        parts = parts[:1]
    content = Content()
    for part in parts:
        content.add(read_parts(part))
    return content


def _richest(alternatives: list[Content]) -> Content:
    """Return the last of the alternatives, which is to be the best one, unless another one says more; with what is attached
    to all of them."""
    counts = [
        sum(len(_WORD.findall(_ADDRESS.sub("", element.text))) for element in one.elements)
        for one in alternatives
    ]
    best = max(counts, default=0)
    chosen = next(
        (
            one
            for one, count in zip(alternatives[::-1], counts[::-1], strict=True)
            if count >= best * _MIN_SHARE_OF_WORDS
        ),
        Content(),
    )
    content = Content(chosen.elements)
    for one in alternatives:
        one.elements = []
        content.add(one)
    return content


def _read_other(part: Message, name: str) -> Content:
    if part.get_content_disposition() != "attachment" and (reader := _body_reader(part.get_content_type())):
        found = list(reader(part))
        is_encrypted = any(element.text.startswith(_PGP_MESSAGE) for element in found)
        return Content([] if is_encrypted else found, is_encrypted=is_encrypted)
    data = payload(part)
    if data.startswith(_PGP_MESSAGE.encode()):
        return Content(is_encrypted=True)
    if part.get_content_maintype() == "image" and _is_decoration(part, data):
        return Content()
    return Content(attachments=[(name or f"attachment.{part.get_content_subtype()}", data)])


def _read_message(part: Message, name: str) -> Content:
    """An attached message is a file, called by its subject if it has no name."""
    inner = _children(part)
    data = inner[0].as_bytes(policy=compat32) if inner else payload(part)
    if (
        str(part.get("content-transfer-encoding", "")).lower() == "base64"
    ):  # is not allowed, and so not decoded by Python
        with suppress(binascii.Error):
            data = binascii.a2b_base64(data)
    if not name:
        subject = header(BytesParser().parsebytes(data, headersonly=True), "subject")
        name = " ".join(re.sub(r"[\\/:]", " ", subject).split())[:_MAX_NAME_LETTERS] or "message"
    return Content(attachments=[(name if name.lower().endswith(".eml") else f"{name}.eml", data)])


def _read_report(part: Message, _name: str) -> Content:
    """Read the fields that a server writes about a message."""
    blocks = [child.as_string(policy=compat32) for child in _children(part)]
    return Content(list(text.elements(text.normalize_newlines("\n\n".join(blocks) or _text(part)))))


def _read_calendar(part: Message, _name: str) -> Content:
    return Content(calendars=list(calendar_text.elements(_text(part), level=2)))


def _read_tnef(part: Message, name: str) -> Content:
    data = payload(part)
    from engines.parsing.mail import mapi_mail, tnef

    try:
        return read_parts(mapi_mail.to_mail(tnef.read(data)))
    except ValueError:
        return Content(attachments=[(name, data)])


def _read_signed(part: Message, name: str) -> Content:
    """Read what is signed, a part of a mail itself."""
    data = payload(part)
    try:
        inner = signed_data.content(data)
    except ParseError:
        return Content(is_encrypted=True)
    except ValueError:
        return Content(attachments=[(name or "smime.p7m", data)])
    return read_parts(BytesParser().parsebytes(inner)) if inner else Content()


def _body_reader(kind: str) -> Callable[[Message], Iterable[Element]] | None:
    """Return what reads a body of this type. Other types are those of attachments."""
    if kind == "text/html":
        return lambda part: html_elements(_text(part))
    if kind in _RTF:
        return _rtf_elements
    return _plain_elements if kind.startswith(("text/", "multipart/")) else None


def _plain_elements(part: Message) -> Iterator[Element]:
    is_flowed = str(part.get_param("format", "")).lower() == "flowed"
    is_joined = str(part.get_param("delsp", "")).lower() == "yes"
    return plain_elements(_text(part), flowed=is_flowed, joined=is_joined)


def _rtf_elements(part: Message) -> Iterable[Element]:
    from engines.parsing.office import rtf

    return rtf.elements(payload(part))


def _is_decoration(part: Message, data: bytes) -> bool:
    """Return whether a picture is a logo, or a dot that tells the sender that it was loaded."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except Exception:
        return False
    is_inside = "content-id" in part or part.get_content_disposition() == "inline"
    is_small = min(width, height) < _SMALL or width * height < _SMALL_AREA
    return min(width, height) < _TINY or (is_inside and is_small)


def _children(part: Message) -> list[Message]:
    found = part.get_payload()
    return [child for child in found if isinstance(child, Message)] if isinstance(found, list) else []


def _text(part: Message) -> str:
    charset = str(part.get_param("charset", "") or "")
    return text.normalize_newlines(encoding.decode(payload(part), charset))


def payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except Exception:  # the parser raises many kinds
        return b""
    return data if isinstance(data, bytes) else b""


_READERS: dict[str, Callable[[Message, str], Content]] = {
    **dict.fromkeys(_UNSEEN, lambda _part, _name: Content()),
    "application/pgp-encrypted": lambda _part, _name: Content(is_encrypted=True),
    **dict.fromkeys(("message/rfc822", "message/global", "message/news"), _read_message),
    **dict.fromkeys(("message/delivery-status", "message/disposition-notification"), _read_report),
    **dict.fromkeys(("message/feedback-report", "text/rfc822-headers"), _read_report),
    **dict.fromkeys(("application/ms-tnef", "application/vnd.ms-tnef"), _read_tnef),
    **dict.fromkeys(("application/pkcs7-mime", "application/x-pkcs7-mime"), _read_signed),
    **dict.fromkeys(("text/calendar", "application/ics"), _read_calendar),
}
