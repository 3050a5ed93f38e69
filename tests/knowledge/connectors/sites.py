"""A web site with traps, at an address that stands for the public internet."""

from __future__ import annotations

import http.server
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.core.outbound.servers import PUBLIC

WORDS = [
    "bees",
    "rivers",
    "bridges",
    "lanterns",
    "orchards",
    "harbours",
    "glaciers",
    "meadows",
    "compasses",
    "violins",
]


def article(number: int, more: str = "") -> str:
    """A page with menus around its text, as pages are."""
    text = " ".join(f"Paragraph {number} tells of {word} and of the number {number * 7}." for word in WORDS)
    return (
        f"<html><head><title>Article {number}</title><meta name='author' content='Ada Lovelace'></head><body>"
        f"<nav><a href='/'>Home</a> <a href='/about'>About us</a></nav><article><h1>Article {number}</h1>"
        f"<p>{text}</p><p>{text} Again, and at more length.</p></article>{more}</body></html>"
    )


class Site(http.server.ThreadingHTTPServer):
    """`articles` pages in a tree of lists; `pages` replaces the text of a path. `asked` counts the requests by path."""

    def __init__(self, articles: int = 10) -> None:
        self.articles, self.pages, self.asked = articles, {}, Counter()  # type: ignore[var-annotated]
        self.statuses: Counter[int] = Counter()
        self.gone: set[str] = set()
        self.failing: set[str] = set()
        self.robots = "User-agent: *\nDisallow: /private/\n"
        super().__init__((PUBLIC, 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://{PUBLIC}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up on slow and endless pages."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked[self.path] += 1
        name = parts.path.strip("/").split("/")[0] or "home"
        method = "_" + name.partition(";")[0].replace(".", "_").replace("-", "_")
        if parts.path in self.server.failing:
            self._send("busy", 503)
            return
        is_gone = parts.path in self.server.gone
        answer = self._none if is_gone else getattr(self, method, self._soft_404)
        answer(parts.path, parse_qs(parts.query))

    def log_message(self, *args: Any) -> None:
        pass

    def _send(self, body: str | bytes, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        content = self.server.pages.get(self.path, content)
        tag = f'"{hash(content)}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, content = 304, b""
        self.server.statuses[status] += 1
        self.send_response(status)
        given = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(content)), "ETag": tag}
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        for header, value in {**given, **own}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)

    def _home(self, path: str, query: dict[str, list[str]]) -> None:
        traps = [
            "/loop/a",
            "/calendar?month=1",
            "/session",
            "/redirect-loop",
            "/elsewhere",
            "/missing",
            "/huge",
            "/slow",
        ]
        others = ["/private/x", "/file.txt", "/twin", "/none"]
        links = "".join(f"<a href='{one}'>{one}</a>" for one in ["/list/0", *traps, *others])
        self._send(article(100_001, links))

    def _robots_txt(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(self.server.robots, Content_Type="text/plain")

    def _list(self, path: str, query: dict[str, list[str]]) -> None:
        """Ten articles, and the next ten lists."""
        page = int(path.rpartition("/")[2])
        first = range(page * 10, min((page + 1) * 10, self.server.articles))
        lists = (n for n in range(page * 10 + 1, page * 10 + 11) if n * 10 < self.server.articles)
        links = [f"/article/{n}?utm_source=list" for n in first] + [f"/list/{n}" for n in lists]
        self._send(
            "<html><head><meta name='robots' content='noindex'></head><body>"
            + "".join(f"<a href='{one}'>x</a>" for one in links)
        )

    def _article(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(article(int(path.rpartition("/")[2])))

    def _about(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(article(100_002))

    def _twin(self, path: str, query: dict[str, list[str]]) -> None:
        """The same page as /about, which it names as its canonical address."""
        self._send(article(100_002).replace("</head>", "<link rel='canonical' href='/about'></head>"))

    def _loop(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(article(200_000 + len(path), f"<a href='{path}/a'>deeper</a>"))

    def _calendar(self, path: str, query: dict[str, list[str]]) -> None:
        month = int(query["month"][0])
        self._send(article(300_000 + month, f"<a href='/calendar?month={month + 1}'>next month</a>"))

    def _session(self, path: str, query: dict[str, list[str]]) -> None:
        """Each answer has links with another session."""
        number = self.server.asked.total()
        self._send(
            article(100_003, f"<a href='/session;jsessionid={number}?PHPSESSID={number}#top'>again</a>")
        )

    def _redirect_loop(self, path: str, query: dict[str, list[str]]) -> None:
        self._send("", 302, Location="/redirect-loop")

    def _elsewhere(self, path: str, query: dict[str, list[str]]) -> None:
        self._send("", 302, Location="http://127.0.0.1:9/")

    def _huge(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(b"<html><body>" + b"x " * 5_000_000)

    def _slow(self, path: str, query: dict[str, list[str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(300):
            self.wfile.write(b".")
            time.sleep(0.1)

    def _private(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(article(100_004))

    def _file_txt(self, path: str, query: dict[str, list[str]]) -> None:
        self._send("A plain file about lighthouses.", Content_Type="text/plain")

    def _none(self, path: str, query: dict[str, list[str]]) -> None:
        self._send("gone", 404)

    def _sitemap_xml(self, path: str, query: dict[str, list[str]]) -> None:
        places = "".join(f"<url><loc>{self.server.url}/article/{n}</loc></url>" for n in range(3))
        self._send(f"<?xml version='1.0'?><urlset>{places}</urlset>", Content_Type="application/xml")

    def _soft_404(self, path: str, query: dict[str, list[str]]) -> None:
        self._send(article(100_009))

    def _feed_xml(self, path: str, query: dict[str, list[str]]) -> None:
        entries = "".join(
            f"<item><guid>entry-{n}</guid><title>News {n}</title><link>{self.server.url}/article/{n}</link>"
            f"<author>ada@example.org</author><pubDate>Mon, 0{n} Jun 2026 10:00:00 GMT</pubDate>"
            f"<description>Short {n}</description></item>"
            for n in range(1, 4)
        )
        self._send(
            f"<?xml version='1.0'?><rss version='2.0'><channel><title>News</title>{entries}</channel></rss>",
            Content_Type="application/rss+xml",
        )


def serving(articles: int = 10) -> Iterator[Site]:
    site = Site(articles)
    threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield site
    site.shutdown()
    site.server_close()
