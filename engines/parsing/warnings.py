"""The warnings of readers: what a document has lost, although it was read."""

from __future__ import annotations

from typing import Any

from engines.parsing import ReadingWarning

# {code: the sentence for people}
WARNINGS = {
    "unread_parts": "Parts of the file were not read: {parts}.",
    "unread_members": "Files inside of this one were not taken: {names}.",
    "unread_pages": "No text was found on {pages}, although something is drawn there.",
    "unread_pictures": "There are many pictures: those on {pages} were not searched for text.",
    "uncertain_text": "Text was recognised with little certainty on {pages}.",
    "unreadable_text": "Text on {pages} was seen, but not recognised; its script may not be supported.",
    "replaced_bytes": "Bytes that are not valid in the encoding {encoding}, and were replaced: {count}.",
    "damaged": "The file is damaged. What could be read of it is here: {reason}.",
}


def warning(code: str, **facts: Any) -> ReadingWarning:
    return ReadingWarning(code, WARNINGS[code].format(**facts))


def listed(names: list[str], most: int = 10) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
