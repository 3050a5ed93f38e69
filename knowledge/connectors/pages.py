"""Web pages: fetched politely, and read for their text and their links."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

import lxml.html
import trafilatura
from lxml.etree import ParserError

from core.outbound import OutboundClient, OutboundResponse
from knowledge.connectors.base import ConnectorError
from workspaces.integrations.base import allow_list

AGENT = "OYL"
PAGE_SECONDS, MAX_PAGE_BYTES, MAX_REDIRECTS = 20.0, 8 * 1024 * 1024, 5
MAX_DELAY_SECONDS = 10.0
# Parameters that do not change what a page says: sessions, and where a visitor comes from.
_IDLE_PARAMETERS = re.compile(
    r"(phpsessid|jsessionid|aspsessionid\w*|sessionid|session_id|session|sid|utm_\w+|gclid|fbclid|mc_cid|mc_eid|ref)",
    re.IGNORECASE,
)
_SESSION_IN_PATH = re.compile(r";(jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)


class Pages:
    """Requests to web sites, with a pause between two to the same host."""

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self._client = OutboundClient(
            allow_list(), timeout_seconds=PAGE_SECONDS, max_bytes=MAX_PAGE_BYTES, max_redirects=MAX_REDIRECTS
        )
        self._delay, self._last = delay_seconds, 0.0
        self._robots: dict[str, RobotFileParser] = {}

    def close(self) -> None:
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> OutboundResponse:
        """Raises OutboundError, and ConnectorError for a status of 400 or above."""
        response = self.ask(url, headers)
        if response.status >= 400:
            raise status_error(response)
        return response

    def ask(self, url: str, headers: Mapping[str, str] | None = None) -> OutboundResponse:
        """Raises OutboundError."""
        time.sleep(max(0.0, self._last + self._delay - time.monotonic()))
        try:
            return self._client.request(
                "GET", url, headers={"Accept": "text/html,*/*;q=0.5", **(headers or {})}
            )
        finally:
            self._last = time.monotonic()

    def may_fetch(self, url: str) -> bool:
        """What the site's robots.txt says; its pause between requests is kept, too. Raises OutboundError and
        ConnectorError if the site cannot say it now."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = self._read_robots(f"{origin}/robots.txt")
        return self._robots[origin].can_fetch(AGENT, url)

    def _read_robots(self, url: str) -> RobotFileParser:
        robots, answer = RobotFileParser(), self.ask(url)
        if answer.status >= 500:
            raise status_error(answer)
        lines = answer.body.decode("utf-8", "replace").splitlines() if answer.status < 400 else []
        robots.parse(lines)
        self._delay = max(self._delay, min(float(robots.crawl_delay(AGENT) or 0), MAX_DELAY_SECONDS))
        return robots


def status_error(response: OutboundResponse) -> ConnectorError:
    code = "connector_page_unavailable" if response.status >= 500 else "connector_page_refused"
    return ConnectorError(code, url=response.url, status=response.status)


def plain_url(url: str) -> str:
    """Without what does not change the page: the fragment, sessions, and the default port."""
    parts = urlsplit(url)
    query = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if not _IDLE_PARAMETERS.fullmatch(pair[0])
    ]
    netloc = (
        re.sub(r":(80|443)$", "", parts.netloc.lower()) if parts.scheme in ("http", "https") else parts.netloc
    )
    path = _SESSION_IN_PATH.sub("", parts.path) or "/"
    return urlunsplit((parts.scheme.lower(), netloc, path, urlencode(query), ""))


def unpacked(body: bytes) -> bytes:
    """Sitemaps may be files of gzip. What is beyond the limit of a page is left out."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    with suppress(zlib.error):
        return zlib.decompressobj(wbits=31).decompress(body, MAX_PAGE_BYTES)
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MainText:
    """`text` is HTML; empty if the page has no main text."""

    text: str
    title: str = ""
    author: str = ""
    date: str = ""


def main_text(response: OutboundResponse) -> MainText:
    """What a reader would call the page's text, without menus and advertisements."""
    found: Any = trafilatura.bare_extraction(
        response.body, url=response.url, include_comments=False, include_tables=True, with_metadata=True
    )
    if found is None:
        return MainText(text="")
    html = trafilatura.extract(
        response.body, url=response.url, include_comments=False, include_tables=True, output_format="html"
    )
    body = re.sub(r"^.*?<body>|</body>.*$", "", html or "", flags=re.DOTALL)
    return MainText(text=body, title=found.title or "", author=found.author or "", date=found.date or "")


class HtmlPage:
    """A page of HTML and what it says about itself."""

    def __init__(self, response: OutboundResponse) -> None:
        self.response = response
        try:
            self._tree = lxml.html.document_fromstring(response.body)
        except (ParserError, ValueError):
            self._tree = lxml.html.document_fromstring("<html><body></body></html>")

    @cached_property
    def robots(self) -> str:
        values = self._tree.xpath("//meta[translate(@name, 'ROBTS', 'robts')='robots']/@content")
        return ",".join(map(str, values)).lower() + str(self.response.headers.get("x-robots-tag", "")).lower()

    @cached_property
    def canonical(self) -> str:
        """The address that the page gives as its own, "" if it gives none."""
        found = self._tree.xpath("//link[translate(@rel, 'CANOIL', 'canoil')='canonical']/@href")
        return self._absolute(str(found[0])) if found else ""

    @cached_property
    def links(self) -> list[str]:
        if "nofollow" in self.robots:
            return []
        found = self._tree.xpath("//a[@href and not(contains(@rel, 'nofollow'))]/@href")
        absolute = (self._absolute(str(href)) for href in found)
        return list(dict.fromkeys(filter(None, absolute)))

    @cached_property
    def _base(self) -> str:
        """To what its links are relative."""
        found = self._tree.xpath("//base/@href")
        return urljoin(self.response.url, str(found[0]).strip()) if found else self.response.url

    def _absolute(self, href: str) -> str:
        try:
            url = urljoin(self._base, href.strip())
            return plain_url(url) if urlsplit(url).scheme in ("http", "https") else ""
        except ValueError:
            return ""
