"""Contacts (vCard): who it is, and how to reach them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engines.parsing import Element, ParsedDocument
from engines.parsing.element_builders import paragraph, title
from engines.parsing.job import Job
from engines.parsing.mail.content_lines import Property, properties
from engines.parsing.texts.text import load

_LABELS = {
    "NICKNAME": "Nickname",
    "ORG": "Organisation",
    "TITLE": "Title",
    "ROLE": "Role",
    "TEL": "Telephone",
    "EMAIL": "Email",
    "IMPP": "Messenger",
    "ADR": "Address",
    "URL": "Website",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "CATEGORIES": "Categories",
    "NOTE": "Note",
}
_PART = re.compile(r"(?<!\\);")
_SCHEME = re.compile(r"(?i)^(?:tel|mailto):")


def read(job: Job) -> ParsedDocument:
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(load(job))))


def elements(text: str) -> Iterator[Element]:
    """Yield each contact's name as a title, and its facts. Pictures, sounds and keys are no text."""
    contact: list[Property] = []
    for one in properties(text):
        if (one.name, one.value.strip().upper()) == ("END", "VCARD"):
            yield from _contact(contact)
            contact = []
        else:
            contact.append(one)
    yield from _contact(contact)


def _contact(contact: list[Property]) -> Iterator[Element]:
    names = {one.name: " ".join(_parts(one)) for one in reversed(contact)}
    if name := names.get("FN") or _written(names.get("N"), contact) or names.get("ORG"):
        yield title(name)
    facts = (
        f"{_LABELS[one.name]}: {', '.join(_parts(one))}"
        for one in contact
        if one.name in _LABELS and _parts(one)
    )
    if lines := "\n".join(facts):
        yield paragraph(lines)


def _written(name: str | None, contact: list[Property]) -> str:
    """Return a name as it is written: its parts are stored with the family's first, and what stands in front
    of all fourth."""
    if not name:
        return ""
    value = next(one.value for one in contact if one.name == "N")
    family, given, more, before, after = (*_PART.split(value), "", "", "", "", "")[:5]
    return " ".join(filter(None, (before, given, more, family, after)))


def _parts(one: Property) -> list[str]:
    """Return the parts of a value that has several, such as the lines of an address."""
    texts = (one._replace(value=part).text for part in _PART.split(one.value))
    return [" ".join(_SCHEME.sub("", text).split()) for text in texts if text]
