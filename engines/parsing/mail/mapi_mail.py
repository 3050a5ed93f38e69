"""Turns messages of Outlook into mails, so that one reader is enough for both."""

from __future__ import annotations

from collections.abc import Iterator
from email.encoders import encode_base64
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser, HeaderParser
from email.utils import format_datetime

from engines.parsing.mail.compressed_rtf import decompress
from engines.parsing.mail.mapi import NAMED, MapiAttachment, MapiMessage, Properties

_CLASS, _SUBJECT, _TRANSPORT_HEADERS, _MESSAGE_ID = 0x001A, 0x0037, 0x007D, 0x1035
_BODY, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_SENT, _DELIVERED = 0x0039, 0x0E06
# The name, and the addresses of which the first one with an @ counts.
_SENDERS = ((0x0042, (0x5D02, 0x0065)), (0x0C1A, (0x5D01, 0x0C1F)))
_RECIPIENT = (0x3001, (0x39FE, 0x3003))
_RECIPIENT_KIND = 0x0C15
_RECIPIENT_HEADERS = {"To": (1, 0x0E04), "Cc": (2, 0x0E03), "Bcc": (3, 0x0E02)}
_LONG_NAME, _SHOWN_NAME, _MIME_TYPE, _CONTENT_ID = 0x3707, 0x3001, 0x370E, 0x3712
_START, _END = (NAMED | 0x820D, 0x0060), (NAMED | 0x820E, 0x0061)
_WHERE = NAMED | 0x8208
_FACTS = {
    NAMED | 0x8104: "Start",
    NAMED | 0x8105: "Due",
    0x3A17: "Title",
    0x3A18: "Department",
    0x3A16: "Company",
    0x3A15: "Address",
    NAMED | 0x8083: "E-mail",
    0x3A08: "Phone",
    0x3A1C: "Mobile phone",
    0x3A09: "Home phone",
    0x3A24: "Fax",
}
_CLASSES_WITH_FACTS = ("IPM.Contact", "IPM.Task")
_CLASSES_OF_EVENTS = ("IPM.Appointment", "IPM.Schedule.Meeting")


def to_mail(message: MapiMessage) -> Message:
    """Return a mail with the same headers, bodies and attachments."""
    mail = MIMEMultipart()
    for name, value in _headers(message):
        if value:
            mail[name] = " ".join(value.split())
    if facts := "\n".join(_facts(message)):
        mail.attach(_text(facts, "plain"))
    bodies = list(_bodies(message))
    if bodies:
        mail.attach(MIMEMultipart("alternative", _subparts=bodies))
    if event := _event(message):
        mail.attach(_text(event, "calendar"))
    for attachment in message.attachments:
        mail.attach(_attachment(message, attachment))
    return mail


def _headers(message: MapiMessage) -> Iterator[tuple[str, str]]:
    """Yield the headers that the mail came with, or what stands for them."""
    sent = HeaderParser().parsestr(message.text(_TRANSPORT_HEADERS).lstrip())
    subject = message.text(_SUBJECT)
    yield "Subject", subject[2:] if subject.startswith("\x01") else subject
    yield (
        "From",
        sent.get("From") or next(filter(None, (_person(message, None, *one) for one in _SENDERS)), ""),
    )
    for name, (kind, shown) in _RECIPIENT_HEADERS.items():
        people = [one for one in message.recipients if one.number(_RECIPIENT_KIND) == kind]
        listed = ", ".join(_person(message, one, *_RECIPIENT) for one in people)
        yield name, sent.get(name) or listed or message.text(shown)
    time = message.properties.time(_SENT) or message.properties.time(_DELIVERED)
    yield "Date", sent.get("Date") or (format_datetime(time) if time else "")
    yield "Message-ID", sent.get("Message-ID") or message.text(_MESSAGE_ID)


def _person(message: MapiMessage, person: Properties | None, name: int, addresses: tuple[int, ...]) -> str:
    shown = message.text(name, person)
    # Others are places in a directory.
    address = next((text for tag in addresses if "@" in (text := message.text(tag, person))), "")
    return f"{shown} <{address}>" if shown and address and shown != address else shown or address


def _bodies(message: MapiMessage) -> Iterator[Message]:
    """Yield the alternatives, the plainest first."""
    if plain := message.text(_BODY):
        yield _text(plain, "plain")
    if rtf := decompress(message.properties.data(_RTF)):
        yield _binary(rtf, "application/rtf")
    if html := message.text(_HTML) or message.decode(message.properties.data(_HTML)):
        yield _text(html, "html")


def _facts(message: MapiMessage) -> Iterator[str]:
    """Yield what contacts and tasks say beside their text."""
    if message.text(_CLASS).startswith(_CLASSES_WITH_FACTS):
        for tag, label in _FACTS.items():
            time = message.properties.time(tag)
            if value := f"{time:%Y-%m-%d}" if time else message.text(tag):
                yield f"{label}: {value}"


def _event(message: MapiMessage) -> str:
    """Return an appointment as a calendar."""
    if not message.text(_CLASS).startswith(_CLASSES_OF_EVENTS):
        return ""
    start, end = (next(filter(None, map(message.properties.time, tags)), None) for tags in (_START, _END))
    where = message.text(_WHERE).replace("\\", "\\\\").replace("\n", " ").replace(",", "\\,")
    lines = [f"LOCATION:{where}"] + [
        f"{name}:{moment:%Y%m%dT%H%M%SZ}" for name, moment in (("DTSTART", start), ("DTEND", end)) if moment
    ]
    return "\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT"))


def _attachment(message: MapiMessage, attachment: MapiAttachment) -> Message:
    if attachment.message:
        return MIMEMessage(to_mail(attachment.message))
    properties = attachment.properties
    names = (message.text(tag, properties) for tag in (_LONG_NAME, MapiAttachment.NAME, _SHOWN_NAME))
    mime_type = message.text(_MIME_TYPE, properties)
    data = properties.data(MapiAttachment.DATA)
    if mime_type == "multipart/signed":  # the whole mail as it was signed
        return BytesParser().parsebytes(data)
    part = _binary(data, mime_type)
    part.add_header("Content-Disposition", "attachment", filename=next(filter(None, names), "attachment"))
    if content_id := message.text(_CONTENT_ID, properties):
        part["Content-ID"] = " ".join(content_id.split())
    return part


def _text(text: str, subtype: str) -> Message:
    return MIMEText(text, subtype, "utf-8")


def _binary(data: bytes, mime_type: str) -> Message:
    main, _, sub = mime_type.partition("/")
    if not sub or main in ("multipart", "message"):  # the content would be parsed
        return MIMEApplication(data)
    part = MIMEBase(main, sub)
    part.set_payload(data)
    encode_base64(part)
    return part
