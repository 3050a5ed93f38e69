"""S3 (moto), WebDAV (wsgidav) and Git (dulwich's own server) over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.core.outbound.servers import PUBLIC
from tests.knowledge.connectors.benches import KEYS, SIGNED, Bench


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def serving(app: Any) -> Iterator[str]:
    server = make_server(PUBLIC, 0, app, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://{PUBLIC}:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address=PUBLIC, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    (made / "sub").mkdir(parents=True)
    (made / "one.md").write_text("# One\n\nThe first text.\n")
    (made / "sub" / "two ü.md").write_text("# Two\n\nThe second text.\n")
    return made


@pytest.fixture
def webdav(folder: Path) -> Iterator[str]:
    users = {"ada": {"password": "pass-word"}}
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": users}},
            "http_authenticator": {
                "domain_controller": None,
                "accept_basic": True,
                "default_to_digest": False,
            },
            "verbose": 0,
            "logging": {"enable": False},
        }
    )
    yield from serving(app)


def test_bucket_is_followed(bench: Bench, s3: str):
    httpx.post(f"{s3}/moto-api/reset")
    bucket = httpx.Client(base_url=f"{s3}/reports/", headers=SIGNED)
    bucket.put("")
    for name in ("a.md", "sub/b.md", "other/c.md"):
        bucket.put(name, content=f"# {name}\n\nThe text of {name}.\n".encode())
    integration = {"url": s3, "bucket": "reports", **KEYS}
    connector = bench.connector("s3", {"exclude": ["other/*"]}, integration)
    assert bench.counts(connector) == (2, 0, 0, 0, 0)
    bucket.put("a.md", content=b"# A\n\nChanged.\n")
    bucket.put("d.md", content=b"# D\n\nNew.\n")
    bucket.delete("sub/b.md")
    assert bench.counts(connector) == (1, 1, 0, 1, 0)
    assert bench.names() == ["a.md", "d.md"]
    facts = bench.metadata("a.md")
    assert facts["source_url"] == f"{s3}/reports/a.md" and facts["date"]


def test_bucket_that_is_not_there_is_told(bench: Bench, s3: str):
    integration = {"url": s3, "bucket": "absent", **KEYS}
    form = {"workspace": str(bench.library.reference.workspace_id), "name": "S", "type_enum": "s3"}
    pk = bench.caller.post("integration-configs/", {**form, "config": integration}).json()["id"]
    tested = bench.caller.post(f"integration-configs/{pk}/test/", {}).json()
    assert (tested["ok"], tested["code"]) == (False, "integration_not_found")


def test_cloud_folder_is_followed(bench: Bench, webdav: str, folder: Path):
    integration = {"url": webdav, "username": "ada", "password": "pass-word"}
    connector = bench.connector("webdav", {}, integration)
    assert bench.counts(connector) == (2, 0, 0, 0, 0)
    assert bench.names() == ["one.md", "sub/two ü.md"]
    assert bench.counts(connector) == (0, 0, 2, 0, 0)
    (folder / "one.md").write_text("# One\n\nAnother and longer text.\n")
    (folder / "three.md").write_text("# Three\n\nThe third text.\n")
    assert bench.counts(connector) == (1, 1, 1, 0, 0)


def test_wrong_password_is_told(bench: Bench, webdav: str):
    form = {"workspace": str(bench.library.reference.workspace_id), "name": "W", "type_enum": "webdav"}
    config = {"url": webdav, "username": "ada", "password": "wrong"}
    pk = bench.caller.post("integration-configs/", {**form, "config": config}).json()["id"]
    tested = bench.caller.post(f"integration-configs/{pk}/test/", {}).json()
    assert (tested["ok"], tested["code"]) == (False, "integration_denied")
    assert "wrong" not in str(tested)


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    path = tmp_path / "repository"
    path.mkdir()
    repo = porcelain.init(str(path))
    commit(repo, "docs/one.md", "# One\n\nThe first text.\n")
    commit(repo, "docs/two.md", "# Two\n\nThe second text.\n")
    commit(repo, "code.py", "print('not wanted')\n")
    return repo


def commit(repo: Repo, name: str, text: str) -> str:
    path = Path(repo.path) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    porcelain.add(repo, [str(path)])
    author = b"Ada Lovelace <ada@example.org>"
    return porcelain.commit(repo, message=b"Change", author=author, committer=author).decode()


def test_branch_is_followed(bench: Bench, repository: Repo):
    repositories: Any = {"/": repository}
    for address in serving(make_wsgi_chain(DictBackend(repositories))):
        connector = bench.connector("git", {"folder": "docs", "include": ["*.md"]}, {"url": f"{address}/"})
        assert bench.counts(connector) == (2, 0, 0, 0, 0)
        assert bench.counts(connector) == (0, 0, 2, 0, 0)
        head = commit(repository, "docs/two.md", "# Two\n\nChanged.\n")
        assert bench.counts(connector) == (0, 1, 1, 0, 0)
        facts = bench.metadata("docs/two.md")
        assert facts["commit"] == head and facts["author"].startswith("Ada Lovelace")
        assert facts["source_url"].endswith(f"/blob/{head}/docs/two.md")
