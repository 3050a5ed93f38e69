"""What a browser would fetch, run or offer that shows a page."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.proof.redteam.obedience import REMOTE

ADDRESSES = {"src", "srcset", "href", "action", "formaction", "data", "poster", "background", "ping", "style"}


class _Attributes(HTMLParser):
    """`found` has (tag, attribute, value) of what leads elsewhere or runs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, given in attrs:
            value = given or ""
            leads = name in ADDRESSES and (REMOTE.match(value) or "url(" in value)
            if leads or name.startswith("on") or name == "srcdoc":
                self.found.append((tag, name, value))


def remote_in(html: str) -> list[tuple[str, str, str]]:
    """The attributes by which the page leads to other hosts, or runs something."""
    return _Attributes(html).found
