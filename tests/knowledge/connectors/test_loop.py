"""The loop of every connector, shown with a folder: what changes, what goes, what fails, and what survives a kill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from jobs.handlers import handler_of
from jobs.queue import claim
from knowledge.connectors import sync
from knowledge.models import Connector, ConnectorItem, ConnectorRun
from tests.conftest import Person
from tests.knowledge.connectors.benches import Bench
from tests.support.admin_pages import url
from tests.support.api_client import assert_problem, make_caller


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    made = tmp_path / "handbooks"
    made.mkdir()
    settings.CONNECTOR_FOLDERS = [str(made)]
    return made


def fill(folder: Path, count: int) -> None:
    for n in range(count):
        (folder / f"{n:02}.md").write_text(f"# Number {n}\n\nThis is text number {n}.\n")


def test_only_changes_are_fetched_and_what_has_gone_is_removed(bench: Bench, folder: Path):
    fill(folder, 10)
    connector = bench.connector("folder", {"path": str(folder)})
    assert bench.counts(connector) == (10, 0, 0, 0, 0)
    assert bench.counts(connector) == (0, 0, 10, 0, 0)
    (folder / "03.md").write_text("# Number 3\n\nThis has changed.\n")
    (folder / "04.md").unlink()
    os.utime(folder / "05.md", (1, 1))  # its date is another
    (folder / "sub").mkdir()
    (folder / "sub" / "new.md").write_text("# New\n\nA new one.\n")
    assert bench.counts(connector) == (1, 2, 7, 1, 0)
    assert "sub/new.md" in bench.names() and "04.md" not in bench.names()
    facts = bench.metadata("sub/new.md")
    assert (facts["source_path"], facts["connector"]) == ("sub/new.md", "My folder")
    assert facts["date"].startswith(str(timezone.now().year))


def test_patterns_say_what_is_wanted(bench: Bench, folder: Path):
    fill(folder, 3)
    (folder / "notes.txt").write_text("Notes of the day.")
    (folder / ".hidden.md").write_text("Hidden.")
    (folder / "link.md").symlink_to("/etc/hostname")
    connector = bench.connector("folder", {"path": str(folder), "include": ["*.md"], "exclude": ["01*"]})
    bench.sync(connector)
    assert bench.names() == ["00.md", "02.md"]


@pytest.mark.parametrize("answer", [True, False])
def test_much_that_has_gone_is_removed_only_when_it_is_allowed(bench: Bench, folder: Path, answer: bool):
    fill(folder, 10)
    connector = bench.connector("folder", {"path": str(folder)})
    bench.sync(connector)
    for n in range(4):
        (folder / f"{n:02}.md").unlink()
    run = bench.sync(connector)
    assert (run["state"], run["stage"], run["gone"]) == ("waiting", "asking", 4)
    assert len(bench.names()) == 10
    assert bench.start(connector) == run["id"]  # no other run begins meanwhile
    bench.caller.post(f"connector-runs/{run['id']}/prune/", {"remove": answer})
    bench.work()
    ended = bench.run(run["id"])
    assert (
        (ended["state"], ended["removed"], len(bench.names())) == ("done", 4, 6)
        if answer
        else ("done", 0, 10)
    )
    again = bench.caller.post(f"connector-runs/{run['id']}/prune/", {"remove": True})
    assert_problem(again, 409, "nothing_to_confirm")


def test_source_that_is_away_removes_nothing(bench: Bench, folder: Path, tmp_path: Path):
    fill(folder, 5)
    connector = bench.connector("folder", {"path": str(folder)})
    bench.sync(connector)
    folder.rename(tmp_path / "elsewhere")
    run = bench.sync(connector)
    assert (run["state"], run["error_code"]) == ("error", "connector_folder")
    assert len(bench.names()) == 5


class Killed(BaseException):
    """What a SIGKILL looks like to the code: nothing after it runs."""


@pytest.mark.parametrize("survived", [0, 1, 2])
@pytest.mark.parametrize("moment", ["_save", "_add", "fetch_changes"])
def test_killed_worker_loses_nothing_and_does_nothing_twice(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch, survived: int, moment: str
):
    """The worker dies before or after a batch; another one goes on when the lease has expired."""
    monkeypatch.setattr(sync, "BATCH", 3)
    fill(folder, 10)
    connector = bench.connector("folder", {"path": str(folder)})
    run = bench.start(connector)
    calls: list[int] = []
    original = getattr(sync.Sync, moment)

    def dying(self: Any, *args: Any) -> Any:
        if len(calls) == survived and moment != "fetch_changes":
            raise Killed
        calls.append(1)
        done = original(self, *args)
        if moment == "fetch_changes":
            raise Killed
        return done

    handler = handler_of(ConnectorRun)
    with monkeypatch.context() as patch:
        patch.setattr(sync.Sync, moment, dying)
        (claimed,) = claim(handler, bench.library.tenant_id)
        with pytest.raises(Killed):
            handler.work(bench.library.tenant_id, [claimed], lambda *args, **options: None)  # type: ignore[arg-type]
    with tenant_scope(bench.library.tenant_id):
        ConnectorRun.objects.filter(pk=run).update(available_at=timezone.now())
    bench.work()
    ended = bench.run(run)
    assert (ended["state"], ended["failed"], ended["removed"]) == ("done", 0, 0)
    assert ended["added"] + ended["unchanged"] == 10
    assert bench.names() == [f"{n:02}.md" for n in range(10)]
    with tenant_scope(bench.library.tenant_id):
        assert ConnectorItem.objects.filter(connector=connector).count() == 10
    assert bench.counts(connector) == (0, 0, 10, 0, 0)
    assert {row.file_generation for row in bench.library.documents().values()} == {1}


def test_schedule_plans_the_next_run_with_jitter(bench: Bench, folder: Path):
    fill(folder, 1)
    connector = bench.connector("folder", {"path": str(folder)}, every_minutes=60)
    planned = bench.caller.get(f"connector-runs/?connector={connector}").json()["results"]
    assert [run["state"] for run in planned] == ["queued"]
    run = bench.sync(connector)  # the planned run is that run
    assert run["id"] == planned[0]["id"] and run["state"] == "done"
    with tenant_scope(bench.library.tenant_id):
        (following,) = ConnectorRun.objects.unfinished()
        minutes = (following.available_at - timezone.now()).total_seconds() / 60
    assert 50 < minutes < 70
    bench.caller("patch", f"connectors/{connector}/", {"every_minutes": None})
    with tenant_scope(bench.library.tenant_id):
        assert not ConnectorRun.objects.unfinished().exists()


def test_changed_configuration_fetches_all_again(bench: Bench, folder: Path):
    fill(folder, 2)
    connector = bench.connector("folder", {"path": str(folder)})
    bench.sync(connector)
    bench.caller(
        "patch", f"connectors/{connector}/", {"config_json": {"path": str(folder), "exclude": ["x"]}}
    )
    with tenant_scope(bench.library.tenant_id):
        assert {*ConnectorItem.objects.values_list("version", flat=True)} == {""}
    assert bench.counts(connector) == (0, 0, 2, 0, 0)


def test_deleted_connector_leaves_its_documents(bench: Bench, folder: Path):
    fill(folder, 2)
    connector = bench.connector("folder", {"path": str(folder)}, every_minutes=60)
    bench.sync(connector)
    bench.caller("delete", f"connectors/{connector}/")
    with tenant_scope(bench.library.tenant_id):
        assert not ConnectorRun.objects.unfinished().exists()
    assert len(bench.names()) == 2


def test_command_says_what_was_done(bench: Bench, folder: Path, capsys: Any):
    fill(folder, 2)
    bench.connector("folder", {"path": str(folder)})
    call_command("sync", "My folder", tenant=str(bench.library.tenant_id), wait=True, json=True)
    result = json.loads(capsys.readouterr().out)
    assert (result["added"], result["failed"], result["state"]) == (2, [], "done")


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("folder", {"path": "/etc"}, "has allowed"),
        ("folder", {}, "lacks 'path'"),
        ("web", {"urls": ["ftp://x"]}, "urls"),
        ("web", {"urls": ["https://example.org"], "deph": 1}, "Do you mean 'depth'"),
        ("s3", {}, "Choose an integration"),
    ],
)
def test_configuration_that_does_not_fit_is_refused(
    bench: Bench, folder: Path, kind: str, config: dict[str, Any], message: str
):
    body = {"reference": str(bench.library.reference.pk), "name": "x", "kind": kind, "config_json": config}
    problem = assert_problem(bench.caller.post("connectors/", body), 422, "invalid")
    assert message in str(problem["errors"])


def test_pages_of_the_admin(bench: Bench, folder: Path, owner: Person, stranger: Person):
    fill(folder, 10)
    assert "Folder of the server" in owner.client.get(url(Connector, "add")).content.decode()
    page = owner.client.get(url(Connector, "add") + "?kind=folder").content.decode()
    assert 'name="config-path"' in page and 'name="integration"' not in page
    form = {
        "reference": bench.library.reference.pk,
        "name": "Handbooks",
        "kind": "folder",
        "config-path": "/etc",
        "config-include": "*.md\n*.txt",
    }
    refused = owner.client.post(url(Connector, "add"), form)
    assert "has allowed" in refused.content.decode()
    assert owner.client.post(url(Connector, "add"), {**form, "config-path": str(folder)}).status_code == 302
    with tenant_scope(owner.tenant_id):
        connector = Connector.objects.get(name="Handbooks")
        assert connector.config_json == {"path": str(folder), "include": ["*.md", "*.txt"]}
    change = url(Connector, "change", connector.pk)
    started = owner.client.get(change.replace("/change/", "/sync/"), follow=True)
    assert "It runs." in started.content.decode()
    bench.work()
    for n in range(5):
        (folder / f"{n:02}.md").unlink()
    run = bench.sync(str(connector.pk))
    address = url(ConnectorRun, "change", run["id"])
    page = owner.client.get(address).content.decode()
    assert "has 5 documents no more" in page and "Remove them" in page
    assert stranger.client.get(address).status_code == 302
    owner.client.get(address.replace("/change/", "/remove/"))
    bench.work()
    assert len(bench.names()) == 5
    assert "Remove them" not in owner.client.get(address).content.decode()
    with tenant_scope(owner.tenant_id):
        actions = set(AuditLog.objects.values_list("action", flat=True))
    assert {"connector.created", "connector.sync_started", "connector.prune_allowed"} <= actions
    other = make_caller(stranger)
    assert other.post(f"connectors/{connector.pk}/sync/", {}).status_code == 404
    assert other.post(f"connector-runs/{run['id']}/prune/", {"remove": True}).status_code == 404
