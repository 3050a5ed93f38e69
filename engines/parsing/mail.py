"""Mail: its headers in a first paragraph, its body, and each attachment as a member."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from engines.parsing import (
    Element,
    Member,
    ParsedDocument,
    ParseError,
    element_builders,
    encoding,
    html,
    text,
)
from engines.parsing.archive import clean_name, unique
from engines.parsing.job import Job

_HEADERS = ("from", "to", "cc", "date")
_MOST_PARTS = 1_000
_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")


def read_eml(job: Job) -> ParsedDocument:
    data = job.path.read_bytes()
    wide = encoding.guess(data[:4096]).startswith(("utf-16", "utf-32"))
    mail = BytesParser(policy=_POLICY).parsebytes(encoding.decode(data).encode() if wide else data)
    if mail.get_content_type() in _ENCRYPTED and not _is_opaque_signature(mail):
        raise ParseError("password_protected")
    headers = {name: _header(mail, name) for name in ("subject", *_HEADERS, "message-id")}
    bodies, files = _parts(mail)
    found = [*_opening(headers), *(element for body in bodies for element in _body(body))]
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found),
        members=_members(job, ((_filename(part), _payload(part)) for part in files)),
        metadata=_metadata(headers),
    )


def read_msg(job: Job) -> ParsedDocument:
    from oxmsg import Message as OutlookMessage

    mail = OutlookMessage.load(str(job.path))
    known = {name.lower(): value for name, value in mail.message_headers.items()}
    headers = {name: known.get(name, "") for name in (*_HEADERS, "message-id")}
    headers["subject"] = mail.subject or ""
    headers["from"] = headers["from"] or mail.sender or ""
    headers["to"] = headers["to"] or ", ".join(f"{to.name} <{to.email_address}>" for to in mail.recipients)
    headers["date"] = headers["date"] or (mail.sent_date.isoformat() if mail.sent_date else "")
    body = (
        html.elements(mail.html_body)
        if mail.html_body and not mail.body
        else text.elements(_lines(mail.body or ""))
    )
    files = ((file.file_name or "", file.file_bytes or b"") for file in mail.attachments)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=(*_opening(headers), *body),
        members=_members(job, files),
        metadata=_metadata(headers),
    )


class _Lenient(policy.EmailPolicy):
    """Headers as they stand where Python's parser of addresses and dates gives up."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:
            return value


_POLICY = _Lenient(raise_on_defect=False)


def _header(mail: Message, name: str) -> str:
    try:
        values = [str(value) for value in mail.get_all(name, [])]
    except Exception:
        return ""
    return " ".join(", ".join(values).split())


def _opening(headers: dict[str, str]) -> Iterator[Element]:
    if headers["subject"]:
        yield element_builders.title(headers["subject"])
    lines = [f"{name.capitalize()}: {headers[name]}" for name in _HEADERS if headers[name]]
    if lines:
        yield element_builders.paragraph("\n".join(lines))


def _metadata(headers: dict[str, str]) -> dict[str, Any]:
    names = {"subject": "title", "from": "author", "message-id": "message_id"}
    return {names.get(name, name): text for name, text in headers.items()} | {
        "subject": headers["subject"],
        "created": _date(headers["date"]),
    }


def _date(value: str) -> str:
    for reader in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return reader(value).isoformat()
        except (ValueError, TypeError, IndexError):
            continue
    return ""


def _parts(mail: Message) -> tuple[list[Message], list[Message]]:
    """Bodies and attached files, in order. Of alternatives the plain text, unless it is empty."""
    bodies: list[Message] = []
    files: list[Message] = []
    stack: list[Message] = [mail]
    for _ in range(_MOST_PARTS):
        if not stack:
            break
        part = stack.pop()
        if part.get_content_type() == "multipart/alternative" and part.is_multipart():
            stack += reversed(_chosen(_children(part)))
        elif part.is_multipart() and part.get_content_maintype() == "multipart":
            stack += reversed(_children(part))
        elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            bodies.append(part)
        elif not part.get_content_type().startswith("multipart/"):
            files.append(part)
        else:
            bodies.append(part)
    return bodies, files


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _chosen(parts: list[Message]) -> list[Message]:
    plain = [part for part in parts if part.get_content_type() == "text/plain" and _text(part).strip()]
    return plain[:1] or parts[-1:]


def _body(part: Message) -> Iterable[Element]:
    content = _lines(_text(part))
    return html.elements(content) if part.get_content_type() == "text/html" else text.elements(content)


def _text(part: Message) -> str:
    data = _payload(part)
    charset = str(part.get_param("charset", "") or "")
    try:
        return data.decode(charset) if charset else encoding.decode(data)
    except (LookupError, UnicodeDecodeError):
        return encoding.decode(data)


def _payload(part: Message) -> bytes:
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        return b"".join(child.as_bytes(policy=policy.compat32) for child in _children(part))
    try:
        data = part.get_payload(decode=True)
    except Exception:
        return b""
    return data if isinstance(data, bytes) else b""


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:
        name = ""
    if not name and part.get_content_type() == "message/rfc822":
        return "message.eml"
    return name or f"attachment.{part.get_content_subtype()}"


def _members(job: Job, files: Iterable[tuple[str, bytes]]) -> tuple[Member, ...]:
    taken: set[str] = set()
    members: list[Member] = []
    folder: Path | None = None
    for name, data in files:
        if not data:
            continue
        folder = folder or job.scratch("members")
        path = folder / str(len(members) + 1)
        path.write_bytes(data)
        members.append(Member(name=unique(clean_name(name), taken), path=path))
    return tuple(members)


def _lines(content: str) -> str:
    return re.sub(r"\r\n?", "\n", content)


def _is_opaque_signature(mail: EmailMessage | Message) -> bool:
    return str(mail.get_param("smime-type", "")).lower() == "signed-data"
