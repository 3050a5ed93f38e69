"""Mail: the headers as the first paragraph, the body, and each attachment as a member."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
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
from engines.parsing.job import Job
from engines.parsing.members import clean_name, unique_name

_SHOWN_HEADERS = ("from", "to", "cc", "date")
_MAX_PARTS = 1_000
_ENCRYPTED_TYPES = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")


class _LenientPolicy(policy.EmailPolicy):
    """Leaves headers as they are where Python cannot parse their addresses or dates."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:
            return value


_POLICY = _LenientPolicy(raise_on_defect=False)


def read_eml(job: Job) -> ParsedDocument:
    data = job.path.read_bytes()
    if encoding.guess(data[:4096]).startswith(("utf-16", "utf-32")):
        data = encoding.decode(data).encode()
    mail: Message = BytesParser(policy=_POLICY).parsebytes(data)
    is_encrypted = mail.get_content_type() in _ENCRYPTED_TYPES
    if is_encrypted and str(mail.get_param("smime-type", "")).lower() != "signed-data":
        raise ParseError("password_protected")
    headers = dict.fromkeys(("subject", *_SHOWN_HEADERS, "message-id"), "")
    for name in headers:
        with contextlib.suppress(Exception):
            headers[name] = " ".join(", ".join(map(str, mail.get_all(name, []))).split())
    bodies, attachments = _split_parts(mail)
    elements = _header_elements(headers)
    for body in bodies:
        content = text.normalize_newlines(_text(body))
        is_html = body.get_content_type() == "text/html"
        elements += html.elements(content) if is_html else text.elements(content)
    names: list[str] = []
    for part in attachments:
        is_mail = part.get_content_type() == "message/rfc822"
        name = "message.eml" if is_mail else f"attachment.{part.get_content_subtype()}"
        with contextlib.suppress(Exception):
            name = part.get_filename() or name
        names.append(name)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        members=_members(job, zip(names, map(_payload, attachments), strict=True)),
        metadata=_metadata(headers),
    )


def read_msg(job: Job) -> ParsedDocument:
    from oxmsg import Message as OutlookMessage

    mail = OutlookMessage.load(str(job.path))
    all_headers = {name.lower(): value for name, value in mail.message_headers.items()}
    headers = {name: all_headers.get(name, "") for name in (*_SHOWN_HEADERS, "message-id")}
    headers["subject"] = mail.subject or ""
    headers["from"] = headers["from"] or mail.sender or ""
    headers["to"] = headers["to"] or ", ".join(f"{to.name} <{to.email_address}>" for to in mail.recipients)
    headers["date"] = headers["date"] or (mail.sent_date.isoformat() if mail.sent_date else "")
    if mail.html_body and not mail.body:
        body = html.elements(mail.html_body)
    else:
        body = text.elements(text.normalize_newlines(mail.body or ""))
    attachments = ((file.file_name or "", file.file_bytes or b"") for file in mail.attachments)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=(*_header_elements(headers), *body),
        members=_members(job, attachments),
        metadata=_metadata(headers),
    )


def _header_elements(headers: dict[str, str]) -> list[Element]:
    lines = [f"{name.capitalize()}: {headers[name]}" for name in _SHOWN_HEADERS if headers[name]]
    title = [element_builders.title(headers["subject"])] if headers["subject"] else []
    return [*title, element_builders.paragraph("\n".join(lines))] if lines else title


def _metadata(headers: dict[str, str]) -> dict[str, Any]:
    created = ""
    for parse_date in (parsedate_to_datetime, datetime.fromisoformat):
        with contextlib.suppress(ValueError, TypeError, IndexError):
            created = parse_date(headers["date"]).isoformat()
            break
    names = {"subject": "title", "from": "author", "message-id": "message_id"}
    return {names.get(name, name): value for name, value in headers.items()} | {
        "subject": headers["subject"],
        "created": created,
    }


def _split_parts(mail: Message) -> tuple[list[Message], list[Message]]:
    """Return bodies and attachments, in order. Of alternatives choose the plain text, unless it is empty."""
    bodies: list[Message] = []
    attachments: list[Message] = []
    stack: list[Message] = [mail]
    for _ in range(_MAX_PARTS):
        if not stack:
            break
        part = stack.pop()
        is_multipart = part.get_content_maintype() == "multipart"
        if is_multipart and part.is_multipart():
            children = _children(part)
            if part.get_content_type() == "multipart/alternative":
                plain = [
                    child
                    for child in children
                    if child.get_content_type() == "text/plain" and _text(child).strip()
                ]
                children = plain[:1] or children[-1:]
            stack += reversed(children)
        elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            bodies.append(part)
        else:
            (bodies if is_multipart else attachments).append(part)
    return bodies, attachments


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


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


def _members(job: Job, attachments: Iterable[tuple[str, bytes]]) -> tuple[Member, ...]:
    """Store each attachment that is not empty."""
    folder, names = job.workdir / "members", dict[str, int]()
    members: list[Member] = []
    for name, data in attachments:
        if data:
            folder.mkdir(exist_ok=True)
            path = folder / str(len(members) + 1)
            path.write_bytes(data)
            members.append(Member(name=unique_name(clean_name(name), names), path=path))
    return tuple(members)
