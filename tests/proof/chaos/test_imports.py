"""Imports into a data source whose worker is killed at named places and, with --long, at any time: the rows are always
those of one import, whole, and in the end those of the last one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.files.storage import default_storage

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from jobs.querysets import from_now
from jobs.states import JobState
from tests.conftest import Person
from tests.proof import killable
from tests.proof.conftest import Report, Size
from tests.support.database_server import database_server
from workspaces.data_sources import fetching, files, handler, upkeep
from workspaces.data_sources.database_queries import run_query, save_query
from workspaces.data_sources.importing import upload
from workspaces.data_sources.querying import query
from workspaces.models import DatabaseQuery, DataImport, DataSource, IntegrationConfig, Workspace

LONGEST_LIFE = 2.0
Place = tuple[Any, str, int]
Round = tuple[Callable[[], None], Place | None, float]
# Where the worker is killed: after so many calls of a function; 0 is before the first one.
OF_FILES: dict[str, Place] = {
    "before the file is read": (handler.DataImportHandler, "_load", 0),
    "when the Parquet file is written": (handler.DataImportHandler, "_load", 1),
    "when the Parquet file is stored": (files, "store", 1),
    "in the transaction that publishes it": (handler, "_describe", 1),
    "before the rows of the import before are removed": (handler, "remove", 0),
}
OF_QUERIES: dict[str, Place] = {
    "between two pages of the database's rows": (fetching, "_check_limits", 2),
    "when all rows are fetched": (handler, "fetch", 1),
    "in the transaction that publishes them": (handler, "_describe", 1),
}


@dataclass
class Bench:
    owner: Person
    source: DataSource
    folder: Path
    rows: int
    query: DatabaseQuery
    number: int = 0

    def import_file(self) -> None:
        """Its rows tell its number, and how many they are."""
        self.number += 1
        path = self.folder / "rows.csv"
        lines = (f"{one},{self.number}.25\n" for one in range(self.count))
        path.write_text("n,amount\n" + "".join(lines))
        upload(
            actor=self.owner.actor, data_source_id=self.source.pk, path=path, filename=path.name, starts=True
        )

    def import_query(self) -> None:
        self.number += 1
        self.query.sql = (
            f"SELECT n, {self.number}.25::numeric AS amount FROM generate_series(1, {self.count}) AS n"
        )
        save_query(actor=self.owner.actor, query=self.query)
        run_query(actor=self.owner.actor, query_id=self.query.pk)

    @property
    def count(self) -> int:
        return self.rows + self.number

    def kill_at(self, place: Place | None, after: float = 0.0) -> None:
        """Let a worker begin, and wait until it is dead."""
        worker = killable.start(lambda: _work_until(self.owner, place))
        ends = time.monotonic() + (60.0 if place else after)
        while worker.is_alive() and time.monotonic() < ends:
            time.sleep(0.01)
        assert place is None or not worker.is_alive(), "the place was not reached"
        worker.kill()

    def found(self) -> int:
        """The number of the import whose rows there are; they are complete."""
        sql = "SELECT count(*), count(DISTINCT n), min(amount), max(amount) FROM sales"
        (row,) = query(actor=self.owner.actor, workspace_id=self.source.workspace_id, sql=sql).rows
        number = int(row[2])
        assert row == (self.rows + number, self.rows + number, number + 0.25, number + 0.25)
        with tenant_scope(self.owner.tenant_id):
            assert DataSource.objects.get(pk=self.source.pk).row_count == self.rows + number
        return number

    def go_on(self) -> None:
        """What a sweep and another worker do."""
        with tenant_scope(self.owner.tenant_id):
            DataImport.objects.filter(state=JobState.RUNNING).update(
                available_at=from_now(timedelta(seconds=-1))
            )
        work_in_process(handler_of(DataImport), self.owner.tenant_id)


def _work_until(owner: Person, place: Place | None) -> None:
    if place:
        target, name, calls = place
        setattr(target, name, _killing(getattr(target, name), calls))
    work_in_process(handler_of(DataImport), owner.tenant_id)


def _killing(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    left = calls

    def called(*args: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **options)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return called


@pytest.fixture
def bench(owner: Person, tmp_path: Path, settings: Any, size: Size) -> Iterator[Bench]:
    with database_server() as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_address[1]}"]
        with tenant_scope(owner.tenant_id):
            workspace = Workspace.objects.create(name="Shops")
            source = DataSource.objects.create(workspace=workspace, name="Sales")
            integration = IntegrationConfig.objects.create(
                workspace=workspace, name="Shop", type_enum="database", config_encrypted_json=server.config
            )
            made = DatabaseQuery(data_source=source, integration=integration, sql="SELECT 1 AS n")
        yield Bench(owner, source, tmp_path, size(5_000, 200_000), made)


def test_kills_lose_no_import_and_leave_no_half_one(bench: Bench, size: Size, report: Report):
    bench.import_file()
    bench.go_on()
    random, kinds = Random(17), (bench.import_file, bench.import_query)
    rounds: list[Round] = [(bench.import_file, place, 0.0) for place in OF_FILES.values()]
    rounds += [(bench.import_query, place, 0.0) for place in OF_QUERIES.values()]
    rounds = rounds[size(3, 0) :: size(2, 1)]
    rounds += [(random.choice(kinds), None, random.uniform(0, LONGEST_LIFE)) for _ in range(size(0, 50))]
    survived = 0
    for start, place, after in rounds:
        before = bench.found()
        start()
        bench.kill_at(place, after)
        now = bench.found()
        assert now in (before, bench.number)
        survived += now == before
        bench.go_on()
        assert bench.found() == bench.number
    _assert_complete(bench)
    report(
        "import-chaos",
        [{"kills": len(rounds), "rows": bench.rows, "before the new rows were there": survived}],
    )


def _assert_complete(bench: Bench) -> None:
    """Each import is done, was published once, and only the last one's file is left."""
    with tenant_scope(bench.owner.tenant_id):
        assert set(DataImport.objects.values_list("state", flat=True)) == {JobState.DONE}
        assert AuditLog.objects.filter(action="data_source.imported").count() == bench.number
        source = DataSource.objects.get(pk=bench.source.pk)
    assert source.generation == bench.number
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "YOUNG", timedelta(0))
        upkeep.remove_files_of(bench.owner.tenant_id)
    left = [*files.ROWS.all_files(bench.owner.tenant_id), *files.UPLOADS.all_files(bench.owner.tenant_id)]
    assert left == [source.file_path] and default_storage.exists(source.file_path)
