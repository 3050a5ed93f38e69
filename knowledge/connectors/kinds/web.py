"""A web site: from its start pages and its sitemap along its links, as deep as is wanted."""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from core.errors import EngineError
from core.json_values import JSON_LENGTH, json_text
from core.outbound import OutboundResponse
from knowledge.connectors.base import Entry, Kind, PathFilter, Source, kind_form, patterns
from knowledge.connectors.pages import HtmlPage, Pages, main_text, plain_url, status_error, unpacked
from workspaces.integrations.base import address, choice

# Of pages that differ in their query alone, as those of calendars and filters do.
MAX_QUERIES, MAX_REPEATS, MAX_SITEMAPS = 50, 2, 50
_LOC = re.compile(rb"<loc>\s*(?:<!\[CDATA\[)?\s*(.*?)\s*(?:\]\]>)?\s*</loc>", re.DOTALL | re.IGNORECASE)
HTML_TYPES = ("text/html", "application/xhtml+xml")
GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    """`body` is what becomes the document; None if the page has not changed since the last run."""

    version: str
    body: bytes | None


class WebSource(Source):
    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._pages = Pages(self.config.get("delay_seconds", 0.5))
        self._filter = PathFilter(self.config)
        self._starts = [plain_url(url) for url in self.config["urls"]]
        self._hosts = {urlsplit(url).netloc for url in self._starts}
        self._seen: set[str] = set()
        self._texts: dict[str, str] = {}
        self._queries: Counter[str] = Counter()
        self._soft_404: dict[str, str] = {}

    def close(self) -> None:
        self._pages.close()

    def entries(self) -> Iterator[Entry]:
        """Breadth first, so that the nearest pages come before the limit of their number."""
        waiting = deque((url, 0) for url in dict.fromkeys([*self._starts, *self._from_sitemap()]))
        self._seen.update(url for url, _ in waiting)
        left, deepest = self.config.get("max_pages", 1000), self.config.get("depth", 3)
        while waiting and left > 0:
            url, depth = waiting.popleft()
            if not self._pages.may_fetch(url):
                continue
            left -= 1
            entry, links = self._visit(url)
            if entry:
                yield entry
            if depth < deepest:
                new = [link for link in links if link not in self._seen and self._is_wanted(link)]
                self._seen.update(new)
                waiting.extend((link, depth + 1) for link in new)

    def version(self, entry: Entry) -> str:
        return str(entry.inner.version)

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        body = entry.inner.body
        target.write_bytes(body if body is not None else self._pages.get(entry.key).body)
        return {}

    def _visit(self, url: str) -> tuple[Entry | None, list[str]]:
        """The page, None if it is none of its own, and the links on it."""
        known = self.known.get(url)
        try:
            answer = self._pages.ask(url, _conditions(known.state) if known and known.version else {})
            if answer.status in GONE and url not in self._starts:
                return None, []
            if answer.status >= 400:
                raise status_error(answer)
        except EngineError as error:
            if url in self._starts:
                raise
            state = known.state if known else {}
            return Entry(key=url, filename=url, problem=error, state=state), [*state.get("links", ())]
        if answer.status == 304 and known:
            self._texts.setdefault(known.state.get("text", url), url)
            return Entry(
                key=url, filename=url, inner=_Fetched(version=known.version, body=None), state=known.state
            ), [*known.state.get("links", ())]
        return self._read(url, answer)

    def _read(self, url: str, answer: OutboundResponse) -> tuple[Entry | None, list[str]]:
        address_of = plain_url(answer.url)
        is_elsewhere = urlsplit(address_of).netloc not in self._hosts
        if is_elsewhere or (address_of != url and address_of in self._seen):
            return None, []
        self._seen.add(address_of)
        if _type_of(answer) not in HTML_TYPES:
            return self._entry(address_of, answer, answer.body, {}, {}), []
        page = HtmlPage(answer)
        links = page.links
        canonical = page.canonical if urlsplit(page.canonical).netloc in self._hosts else ""
        if canonical and canonical != address_of:
            return None, [canonical, *links]
        text = main_text(answer)
        if "noindex" in page.robots or self._is_soft_404(address_of, text.text):
            return None, links
        digest = _digest((text.text or answer.body.decode("utf-8", "replace")).encode())
        if self._texts.setdefault(digest, address_of) != address_of:
            return None, links
        body = answer.body
        if text.text and self.config.get("content", "main text") == "main text":
            title = html.escape(text.title)
            body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{text.text}</body></html>".encode()
        facts = {"title": text.title, "author": text.author, "date": text.date}
        return self._entry(address_of, answer, body, facts, {"links": links, "text": digest}), links

    def _entry(
        self,
        url: str,
        answer: OutboundResponse,
        body: bytes,
        facts: Mapping[str, str],
        seen: Mapping[str, Any],
    ) -> Entry:
        """`seen` is what later runs need of a page that has not changed."""
        state = {
            "etag": answer.headers.get("etag"),
            "modified": answer.headers.get("last-modified"),
            **seen,
        }
        metadata = {
            "source_url": url,
            "date": answer.headers.get("last-modified"),
            **{k: v for k, v in facts.items() if v},
        }
        return Entry(
            key=url,
            filename=_filename(url, _type_of(answer)),
            inner=_Fetched(version=_digest(body), body=body),
            metadata={name: value for name, value in metadata.items() if value},
            state=state if len(json_text(state)) < JSON_LENGTH else {},
        )

    def _is_wanted(self, url: str) -> bool:
        """Whether a link is one of this site, is asked for, and does not look like a trap."""
        parts = urlsplit(url)
        steps = Counter(filter(None, parts.path.split("/")))
        if parts.netloc not in self._hosts or not self._filter.wants(parts.path):
            return False
        if steps and max(steps.values()) > MAX_REPEATS:
            return False
        if parts.query:
            self._queries[parts.path] += 1
        return self._queries[parts.path] <= MAX_QUERIES

    def _is_soft_404(self, url: str, text: str) -> bool:
        """Whether the site answers so to an address that there cannot be."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._soft_404:
            self._soft_404[origin] = self._answer_to_nothing(origin)
        return bool(text) and _digest(text.encode()) == self._soft_404[origin]

    def _answer_to_nothing(self, origin: str) -> str:
        try:
            answer = self._pages.ask(f"{origin}/{uuid4().hex}")
        except EngineError:
            return ""
        return _digest(main_text(answer).text.encode()) if answer.status < 400 else ""

    def _from_sitemap(self) -> list[str]:
        """Raises EngineError: without the sitemap, pages would be taken for gone."""
        waiting, found, read = [self.config["sitemap"]] if "sitemap" in self.config else [], [], 0
        while waiting and read < MAX_SITEMAPS:
            body = unpacked(self._pages.get(waiting.pop()).body)
            read += 1
            places = [html.unescape(place.decode("utf-8", "replace")) for place in _LOC.findall(body)]
            if b"<sitemapindex" in body:
                waiting += places
            else:
                found += [plain_url(place) for place in places]
        return [url for url in found if self._is_wanted(url)]


def _conditions(state: Mapping[str, Any]) -> dict[str, str]:
    named = {"If-None-Match": state.get("etag"), "If-Modified-Since": state.get("modified")}
    return {name: value for name, value in named.items() if value}


def _type_of(answer: OutboundResponse) -> str:
    return str(answer.headers.get("content-type", "text/html").partition(";")[0].strip().lower())


def _filename(url: str, kind: str) -> str:
    parts = urlsplit(url)
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc
    is_html = kind in HTML_TYPES and not name.lower().endswith((".html", ".htm"))
    return f"{name[:200]}{'.html' if is_html else ''}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


KIND = Kind(
    type="web",
    title="Web site",
    purpose="Pages of a site, found by its links and its sitemap. OYL keeps to robots.txt.",
    open=WebSource,
    form=kind_form(
        ("urls",),
        urls={
            **patterns("Start pages", "addresses, one a line, as https://example.org/handbook/"),
            "minItems": 1,
            "items": {"type": "string", "pattern": r"^https?://[^\s/?#@]+[^\s#@]*$", "maxLength": 2000},
        },
        sitemap={
            **address("the address of a sitemap, if there is one", "https://example.org/sitemap.xml"),
            "title": "Sitemap",
        },
        depth={
            "type": "integer",
            "minimum": 0,
            "maximum": 20,
            "title": "Depth",
            "description": "how many links away from a start page: a number from 0 to 20; 3 if it is left empty",
        },
        max_pages={
            "type": "integer",
            "minimum": 1,
            "maximum": 20_000,
            "title": "Most pages",
            "description": "at most so many pages are asked for: a number up to 20000; 1000 if it is left empty",
        },
        include=patterns("Only", "patterns of paths of addresses, one a line, as /handbook/*; empty for all"),
        exclude=patterns("Not", "patterns of paths that are not wanted, one a line, as /calendar/*"),
        content=choice(
            "Content",
            "the main text, without menus and advertisements, or the page as it is",
            ("main text", "page"),
        ),
        delay_seconds={
            "type": "number",
            "minimum": 0,
            "maximum": 60,
            "title": "Pause",
            "description": "seconds between two requests, from 0 to 60; 0.5 if it is left empty",
        },
    ),
)
