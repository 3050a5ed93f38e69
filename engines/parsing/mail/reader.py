"""Mail: the headers as the first paragraph, the body, and each attachment as a member."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

from engines.parsing import Element, ParsedDocument, ParseError, element_builders
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.mail.headers import header, shown_people
from engines.parsing.mail.parts import Content, read_parts
from engines.parsing.texts import encoding
from engines.parsing.warnings import warning

_SHOWN_HEADERS = ("from", "to", "cc", "bcc", "date")
_HEADERS = ("subject", *_SHOWN_HEADERS, "message-id")
_MBOX_SEPARATOR = re.compile(rb"^From [^\r\n]*\d{4}[^\r\n]*\r?\n(?=>?[\w-]+:)", re.MULTILINE)
_MBOX_QUOTED = re.compile(rb"^>From ", re.MULTILINE)
_BROWSER = "<Saved by"  # as the sender of a page that was saved as a mail


def read_eml(job: Job) -> ParsedDocument:
    data = job.path.read_bytes()
    if encoding.guess(data[:4096]).startswith(("utf-16", "utf-32")):
        data = encoding.decode(data).encode()
    return document(job, BytesParser().parsebytes(data))


def read_mbox(job: Job) -> ParsedDocument:
    """Read all mails of a mailbox, in their order."""
    found = filter(None, _MBOX_SEPARATOR.split(job.path.read_bytes()))
    mails = [BytesParser().parsebytes(_MBOX_QUOTED.sub(b"From ", data)) for data in found]
    if len(mails) == 1:
        return document(job, mails[0])
    content = Content()
    for mail in mails:
        content.add(_content(mail))
    return _with_members(job, content, {})


def document(job: Job, mail: Message) -> ParsedDocument:
    """Raise ParseError if all that it says is encrypted."""
    content, headers = _content(mail), _headers(mail)
    if content.is_encrypted and content.elements == list(_header_elements(headers)):
        raise ParseError("password_protected")
    return _with_members(job, content, _metadata(headers))


def _headers(mail: Message) -> dict[str, str]:
    return {name: header(mail, name) for name in _HEADERS}


def _content(mail: Message) -> Content:
    """Return what a mail says, after its headers."""
    body = read_parts(mail)
    content = Content(list(_header_elements(_headers(mail))))
    content.add(body)
    # Some mails have their invitation twice, beside the text and as a file.
    content.elements += dict.fromkeys(body.calendars)
    return content


def _with_members(job: Job, content: Content, metadata: dict[str, Any]) -> ParsedDocument:
    folder = MemberFolder(job)
    for name, data in content.attachments:
        folder.add(name, data)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(content.elements),
        members=tuple(folder.members),
        metadata=metadata,
        warnings=(warning("unread_parts", parts="what is encrypted"),) if content.is_encrypted else (),
    )


def _header_elements(headers: dict[str, str]) -> Iterator[Element]:
    if headers["subject"]:
        yield element_builders.title(headers["subject"])
    lines = [
        f"{name.capitalize()}: {shown_people(headers[name])}"
        for name in _SHOWN_HEADERS
        if headers[name] and not headers[name].startswith(_BROWSER)
    ]
    if lines:
        yield element_builders.paragraph("\n".join(lines))


def _metadata(headers: dict[str, str]) -> dict[str, Any]:
    created = ""
    for parse_date in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, TypeError, IndexError):
            created = parse_date(headers["date"]).isoformat()
            break
    names = {"subject": "title", "from": "author", "message-id": "message_id"}
    return {names.get(name, name): value for name, value in headers.items()} | {
        "subject": headers["subject"],
        "created": created,
    }
