"""A web site with traps, and a news feed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from knowledge.connectors import pages
from tests.knowledge.connectors.benches import Bench
from tests.knowledge.connectors.sites import Site, article, serving

FAST = {"delay_seconds": 0}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_SECONDS", 1.5)


@pytest.fixture
def site() -> Iterator[Site]:
    yield from serving()


def paths(bench: Bench, site: Site) -> set[str]:
    return {name.removeprefix(site.url) for name in bench.names()}


def test_site_is_read_and_its_traps_are_not_fallen_into(bench: Bench, site: Site):
    connector = bench.connector("web", {"urls": [f"{site.url}/"], "depth": 5, "max_pages": 500, **FAST})
    run = bench.sync(connector)
    assert run["state"] == "done", run
    found = paths(bench, site)
    assert {f"/article/{n}" for n in range(10)} <= found  # once each, without the parameters of campaigns
    assert {"/", "/about", "/session", "/file.txt"} <= found
    assert not found & {"/private/x", "/missing", "/elsewhere", "/twin", "/none", "/list/0", "/redirect-loop"}
    assert site.asked["/private/x"] == 0  # robots.txt
    assert sum(path.startswith("/loop") for path in found) <= 3
    assert sum(path.startswith("/session") for path in found) == 1
    assert sum("month" in path for path in found) <= 6  # no deeper than was asked for
    codes = {one["item"].removeprefix(site.url): one["code"] for one in bench.failures(run["id"])}
    assert codes == {
        "/huge": "outbound_too_large",
        "/slow": "outbound_timeout",
        "/redirect-loop": "outbound_redirect",
        "/elsewhere": "invalid_outbound_address",
    }


def test_main_text_is_kept_with_author_and_address(bench: Bench, site: Site):
    bench.sync(bench.connector("web", {"urls": [f"{site.url}/article/3"], "depth": 0, **FAST}))
    (body,) = bench.bodies().values()
    assert b"Paragraph 3" in body and b"About us" not in body
    facts = bench.metadata(f"{site.url}/article/3")
    assert (facts["source_url"], facts["title"], facts["author"]) == (
        f"{site.url}/article/3",
        "Article 3",
        "Ada Lovelace",
    )


def test_page_can_be_kept_as_it_is(bench: Bench, site: Site):
    config = {"urls": [f"{site.url}/article/3"], "depth": 0, "content": "page", **FAST}
    bench.sync(bench.connector("web", config))
    assert [*bench.bodies().values()] == [article(3).encode()]


def test_second_run_asks_for_changes_only(bench: Bench, site: Site):
    config = {"urls": [f"{site.url}/list/0"], "depth": 1, "include": ["/article/*", "/list/*"], **FAST}
    connector = bench.connector("web", config)
    assert bench.counts(connector) == (10, 0, 0, 0, 0)
    site.statuses.clear()
    site.pages["/article/4"] = article(44).encode()
    site.gone.add("/article/5")
    assert bench.counts(connector) == (0, 1, 8, 1, 0)
    assert site.statuses[304] == 8


def test_site_that_is_down_removes_nothing(bench: Bench, site: Site):
    connector = bench.connector("web", {"urls": [f"{site.url}/article/1"], "depth": 0, **FAST})
    bench.sync(connector)
    site.gone.add("/article/1")
    run = bench.sync(connector)
    assert (run["state"], run["error_code"]) == ("error", "connector_page_refused")
    assert len(bench.names()) == 1


def test_sitemap_leads_to_pages_that_have_no_links(bench: Bench, site: Site):
    config = {"urls": [f"{site.url}/about"], "sitemap": f"{site.url}/sitemap.xml", "depth": 0, **FAST}
    bench.sync(bench.connector("web", config))
    assert paths(bench, site) == {"/about", "/article/0", "/article/1", "/article/2"}


def test_site_is_not_asked_faster_than_it_wants(bench: Bench, site: Site):
    site.robots = "User-agent: *\nCrawl-delay: 1\n"
    config = {"urls": [f"{site.url}/article/{n}" for n in range(2)], "depth": 0, **FAST}
    connector, began = bench.connector("web", config), time.monotonic()
    bench.sync(connector)
    assert time.monotonic() - began >= 2


def test_feed_has_a_document_for_each_entry(bench: Bench, site: Site):
    connector = bench.connector("rss", {"url": f"{site.url}/feed.xml"})
    assert bench.counts(connector) == (3, 0, 0, 0, 0)
    facts = bench.metadata("entry-2")
    assert facts["source_url"] == f"{site.url}/article/2" and facts["author"] == "ada@example.org"
    assert facts["date"].startswith("Tue, 02 Jun") or "02 Jun" in facts["date"]
    assert b"Paragraph 2" in bench.bodies()["entry-2"]  # the feed has a short text only
    assert bench.counts(connector) == (0, 0, 3, 0, 0)
    wrong = bench.sync(bench.connector("rss", {"url": f"{site.url}/about"}, name="Wrong"))
    assert (wrong["state"], wrong["error_code"]) == ("error", "connector_no_feed")


def test_large_site(bench: Bench, request: pytest.FixtureRequest):
    """2,000 pages with --long."""
    count = 2000 if request.config.getoption("--long") else 60
    for site in serving(count):
        links = {"depth": 4, "max_pages": 3000, "include": ["/article/*", "/list/*"]}
        connector = bench.connector("web", {"urls": [f"{site.url}/list/0"], **links, **FAST})
        assert bench.counts(connector) == (count, 0, 0, 0, 0)
        assert bench.counts(connector) == (0, 0, count, 0, 0)


def test_citations_link_to_the_page(bench: Bench, site: Site):
    bench.sync(bench.connector("web", {"urls": [f"{site.url}/article/3"], "depth": 0, **FAST}))
    bench.library.work()
    workspace = str(bench.library.reference.workspace_id)
    assistant = bench.caller.post("assistants/", {"workspace": workspace, "name": "Guide"}).json()["id"]
    base = bench.caller.post("knowledge-bases/", {"assistant": assistant, "name": "Site"}).json()["id"]
    linked = {"references": [str(bench.library.reference.pk)]}
    assert bench.caller("patch", f"knowledge-bases/{base}/", linked).status_code == 200
    question = {"question": "What does paragraph 3 tell of lighthouses or lanterns?"}
    answer = bench.caller.post(f"assistants/{assistant}/ask/", question).json()
    assert {one["url"] for one in answer["citations"]} == {f"{site.url}/article/3"}
