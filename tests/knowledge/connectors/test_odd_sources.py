"""Sources that are odd, or change while they are read."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.isolation.scope import tenant_scope
from jobs.handlers import handler_of
from jobs.queue import claim
from knowledge.connectors import sync
from knowledge.connectors.kinds import git
from knowledge.models import ConnectorRun
from tests.knowledge.connectors.benches import Bench
from tests.knowledge.connectors.sites import Site, article, serving
from workspaces.integrations.clients.git import GitFile, GitFiles

FAST = {"delay_seconds": 0}


@pytest.fixture
def site() -> Iterator[Site]:
    yield from serving()


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    made = tmp_path / "handbooks"
    made.mkdir()
    settings.CONNECTOR_FOLDERS = [str(made)]
    return made


class Killed(BaseException):
    """What a SIGKILL looks like to the code: nothing after it runs."""


def test_first_run_that_died_gets_all_files_of_the_commit(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sync, "BATCH", 2)
    files = [GitFile(f"{n}.md", f"sha-{n}", lambda n=n: b"# Text %d\n" % n) for n in range(6)]  # type: ignore[misc]
    monkeypatch.setattr("workspaces.integrations.clients.git.branches", lambda config: {"HEAD": "c1"})
    monkeypatch.setattr(
        "workspaces.integrations.clients.git.files_of", lambda config, head: GitFiles(head, "Ada", "", files)
    )
    form = {"workspace": str(bench.library.reference.workspace_id), "name": "Git", "type_enum": "git"}
    made = bench.caller.post("integration-configs/", {**form, "config": {"url": "https://example.org/x.git"}})
    body = {"reference": str(bench.library.reference.pk), "name": "Git", "kind": git.KIND.type}
    connector = bench.caller.post(
        "connectors/", {**body, "integration": made.json()["id"], "config_json": {}}
    ).json()["id"]
    run, saved, original = bench.start(connector), [], sync.Sync._save

    def dying(self: Any, rows: Any) -> None:
        original(self, rows)
        saved.append(1)
        if len(saved) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sync.Sync, "_save", dying)
        (claimed,) = claim(handler_of(ConnectorRun), bench.library.tenant_id)
        with pytest.raises(Killed):
            handler_of(ConnectorRun).work(bench.library.tenant_id, [claimed], lambda *_, **__: None)  # type: ignore[arg-type]
    with tenant_scope(bench.library.tenant_id):
        ConnectorRun.objects.filter(pk=run).update(available_at=timezone.now())
    bench.work()
    assert (bench.run(run)["added"], len(bench.names())) == (6, 6)
    assert bench.counts(connector) == (0, 0, 6, 0, 0)


def feed(site: Site, *items: str) -> dict[str, Any]:
    channel = f"<channel><title>News</title>{''.join(items)}</channel>"
    site.pages["/feed.xml"] = f"<?xml version='1.0'?><rss version='2.0'>{channel}</rss>".encode()
    return {"url": f"{site.url}/feed.xml"}


def test_feed_with_relative_links_and_without_ids(bench: Bench, site: Site):
    config = feed(
        site,
        "<item><title>A</title><link>/article/1</link></item>",
        "<item><guid>same</guid><link>/article/2</link></item>",
        "<item><guid>same</guid><link>/article/3</link></item>",
        "<item><description>No title</description></item>",
    )
    connector = bench.connector("rss", config)
    assert bench.counts(connector) == (4, 0, 0, 0, 0)
    assert sum(b"Paragraph" in body for body in bench.bodies().values()) == 3


def test_entries_that_the_feed_has_no_more_stay_after_a_change_of_the_form(bench: Bench, site: Site):
    config = feed(site, *(f"<item><guid>{n}</guid><title>News {n}</title></item>" for n in range(2)))
    connector = bench.connector("rss", config)
    assert bench.counts(connector) == (2, 0, 0, 0, 0)
    feed(site, "<item><guid>1</guid><title>News 1</title></item>")
    bench.caller("patch", f"connectors/{connector}/", {"config_json": {**config, "text": "page"}})
    assert bench.counts(connector) == (0, 0, 2, 0, 0)
    assert bench.names() == ["0", "1"]


def test_twin_of_a_page_that_has_not_changed_is_not_added(bench: Bench, site: Site):
    site.pages["/article/2"] = article(1).encode()
    config = {"urls": [f"{site.url}/article/{n}" for n in (1, 2)], "depth": 0, **FAST}
    connector = bench.connector("web", config)
    for expected in ((1, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 1, 0, 0)):
        assert bench.counts(connector) == expected


def test_page_that_fails_keeps_the_pages_to_which_it_leads(bench: Bench, site: Site):
    site.pages["/about"] = article(9, "<a href='/list/0'>all</a>").encode()
    config = {"urls": [f"{site.url}/about"], "depth": 2, "include": ["/article/*", "/list/*"], **FAST}
    site.pages["/list/0"] = article(8, "".join(f"<a href='/article/{n}'>x</a>" for n in range(3))).encode()
    connector = bench.connector("web", config)
    assert bench.counts(connector) == (5, 0, 0, 0, 0)
    for _ in range(2):
        site.failing = {"/list/0"}
        assert bench.counts(connector) == (0, 0, 4, 0, 1)
    site.failing = set()
    assert bench.counts(connector)[3:] == (0, 0)


def test_base_of_a_page_and_packed_sitemaps(bench: Bench, site: Site):
    page = article(9, "<a href='3'>x</a>").replace("<head>", "<head><base href='/article/'>")
    site.pages["/about"] = page.encode()
    site.pages["/sitemap.xml"] = gzip.compress(
        f"<urlset><url><loc>{site.url}/article/5</loc></url></urlset>".encode()
    )
    config = {"urls": [f"{site.url}/about"], "sitemap": f"{site.url}/sitemap.xml", "depth": 1, **FAST}
    bench.sync(bench.connector("web", config))
    assert {f"{site.url}/article/{n}" for n in (3, 5)} <= set(bench.names())


def test_file_that_changes_while_it_is_copied_is_fetched_again(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    path, copy = folder / "log.md", shutil.copyfile
    path.write_text("# Old\n\nThe old text.\n")

    def changing(source: Path, target: Path) -> None:
        copy(source, target)
        path.write_text("# New\n\nThe new and longer text.\n")

    connector = bench.connector("folder", {"path": str(folder)})
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", changing)
        assert bench.counts(connector) == (1, 0, 0, 0, 0)
    assert bench.counts(connector) == (0, 1, 0, 0, 0)
    assert b"new and longer" in bench.bodies()["log.md"]


def test_folder_that_cannot_be_read_keeps_its_documents(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    for n in range(10):
        (folder / f"{n}.md").write_text(f"# Number {n}\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "one.md").write_text("# One\n")
    connector, scandir = bench.connector("folder", {"path": str(folder)}), os.scandir
    assert bench.counts(connector) == (11, 0, 0, 0, 0)

    def refusing(path: Any) -> Any:
        if str(path).endswith("/sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refusing)
        assert bench.counts(connector) == (0, 0, 10, 0, 2)
    assert "sub/one.md" in bench.names()
    assert bench.counts(connector) == (0, 0, 11, 1, 0)  # what failed for the folder itself is forgotten
