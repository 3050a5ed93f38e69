"""Responses without the parts that differ each time, so that they can be compared."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from difflib import unified_diff
from typing import Any

from django.contrib.messages import get_messages

from tests.proof.isolation.parties import Party
from tests.support.streams import parts_of

VOLATILE = re.compile(
    r'oyl_[0-9a-f]{12}_[\w-]{43}|/join/[\w-]{43}/|[A-Za-z0-9]{64}|\d+ ms\b|"seconds": [\d.]+|[0-9a-f]{32}'
    r'|"remaining": ?\d+|challenge&quot;: ?&quot;[\w-]+'
)  # keys, tokens, durations, ids of requests, what is left of a limit, challenges of passkeys

VOLATILE_HEADERS = {"Content-Length", "Expires", "RateLimit"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: str
    messages: str
    body: str

    def mentions(self, party: Party) -> bool:
        """Return whether the response contains a word of the party."""
        everything = f"{self.headers} {self.messages} {self.body}"
        return party.word in everything or party.sign in everything


def difference(foreign: Answer, absent: Answer) -> list[str]:
    """Return the lines that differ."""
    first, second = ("\n".join(map(str, astuple(one))).splitlines() for one in (foreign, absent))
    lines = unified_diff(first, second, n=0, lineterm="")
    return [line for line in lines if line[:3] not in ("---", "+++")]


def answer(response: Any, *asked_for: Any) -> Answer:
    """`asked_for` are the ids and words in the request, which the response may repeat."""

    def plain(text: str) -> str:
        for name in asked_for:
            text = text.replace(str(name), "…")
        return VOLATILE.sub("…", text)

    body = b"".join(parts_of(response)) if response.streaming else response.content
    request = getattr(response, "wsgi_request", None)
    messages = [str(message) for message in get_messages(request)] if request else []
    headers = {name: value for name, value in response.headers.items() if name not in VOLATILE_HEADERS}
    return Answer(
        response.status_code, plain(str(headers)), plain(str(messages)), plain(body.decode(errors="replace"))
    )
