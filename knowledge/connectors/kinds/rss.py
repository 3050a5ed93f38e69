"""The entries of a news feed: the text that the feed has, or the page that an entry leads to."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import feedparser

from knowledge.connectors.base import ConnectorError, Entry, Kind, Source, kind_form
from knowledge.connectors.pages import Pages, main_text
from workspaces.integrations.base import address, choice

MIN_TEXT = 500


class RssSource(Source):
    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._pages = Pages()

    def close(self) -> None:
        self._pages.close()

    def entries(self) -> Iterator[Entry]:
        """An entry that the feed has no more is still there: feeds have only the newest."""
        page = self._pages.get(self.config["url"])
        feed = feedparser.parse(page.body)
        if feed.bozo and not feed.entries:
            raise ConnectorError("connector_no_feed", url=self.config["url"])
        seen = set[str]()
        for one in feed.entries:
            key = _key(one)
            key = _key(one, one.get("link", "")) if key in seen else key
            seen.add(key)
            one["link"] = _link(one, page.url)
            yield Entry(key=key, filename=_filename(one), inner=one, metadata=_metadata(one))
        for key in self.known.keys() - seen:
            yield Entry(key=key, filename=key, state=self.known[key].state, is_kept=True)

    def version(self, entry: Entry) -> str:
        facts = (entry.inner.get("updated", ""), entry.inner.get("title", ""), _own_text(entry.inner))
        return hashlib.sha256("\0".join(facts).encode(errors="replace")).hexdigest()

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        one, text = entry.inner, _own_text(entry.inner)
        if one.get("link") and (self.config.get("text") == "page" or len(text) < MIN_TEXT):
            text = main_text(self._pages.get(one["link"])).text or text
        title = html.escape(one.get("title", ""))
        target.write_text(
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{text}</body></html>",
            encoding="utf-8",
            errors="replace",
        )
        return {}


def _key(one: Any, *more: str) -> str:
    """Some feeds give no id, and some the same one twice."""
    named = one.get("id") or one.get("link") or one.get("title")
    own = str(named or hashlib.sha256(_own_text(one).encode(errors="replace")).hexdigest())
    return " ".join([own, *more])[:2000]


def _link(one: Any, feed: str) -> str:
    """Its address, "" if it has none: feedparser gives the id in its place."""
    link = one.get("link", "")
    if not link or (link == one.get("id") and not link.startswith(("http://", "https://"))):
        return ""
    return str(urljoin(feed, link))


def _own_text(one: Any) -> str:
    contents = [str(part.get("value", "")) for part in one.get("content", [])]
    return max([*contents, str(one.get("summary", ""))], key=len)


def _filename(one: Any) -> str:
    words = re.sub(r"[^\w.-]+", " ", one.get("title", "") or "entry").strip()
    return f"{words[:120] or 'entry'}.html"


def _metadata(one: Any) -> Mapping[str, Any]:
    facts = {
        "source_url": one.get("link"),
        "author": one.get("author"),
        "date": one.get("published") or one.get("updated"),
    }
    return {name: str(value) for name, value in facts.items() if value}


KIND = Kind(
    type="rss",
    title="News feed (RSS, Atom)",
    purpose="The entries of a feed, each a document. They stay when the feed has them no more.",
    open=RssSource,
    form=kind_form(
        ("url",),
        url=address("the feed's address", "https://example.org/news.xml"),
        text=choice(
            "Text", "what the feed has, if that is enough, or always the page of the entry", ("feed", "page")
        ),
    ),
)
