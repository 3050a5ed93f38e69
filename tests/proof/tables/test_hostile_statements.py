"""Statements that try to leave the process of queries: none gets what it wants, and the process that asks is unharmed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import psutil
import pytest

from engines.tables import ReadOptions, TableError, TableLimits, queries
from engines.tables.duckdb_process import DuckDBTables
from engines.tables.statements import Statement
from tests.proof.tables.statements import kinds, statements

SECRET = "the canary sings at night"
LIMITS = TableLimits(seconds=3.0, rows=1_000)
LONG, SHORT = 1_000, 60
MAX_GROWTH_MB = 60
# What statements with the kinds may answer: nothing of the outside.
LOCKED = ("files", "attach", "copy", "settings")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in (("secret.csv", f"word\n{SECRET}\n"), ("sales.csv", "id,shop\n1,north\n2,south\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def tables() -> Iterator[DuckDBTables]:
    made = DuckDBTables()
    yield made
    made.end()


def test_no_statement_escapes(place: Path, tables: DuckDBTables, request: pytest.FixtureRequest):
    sales, other, out = place / "in" / "sales.parquet", place / "other" / "rows.parquet", place / "out"
    for source, target in ((place / "sales.csv", sales), (place / "secret.csv", other)):
        target.parent.mkdir()
        tables.load(source, source.name, ReadOptions(), target, TableLimits())
    environment, process = dict(os.environ), psutil.Process()
    memory = process.memory_info().rss
    attacks = statements(LONG if request.config.getoption("long") else SHORT)
    escaped = []
    for kind, pattern in attacks:
        sql = (
            pattern.replace("SECRET", str(place / "secret.csv"))
            .replace("OTHER", str(other))
            .replace("OUT", str(out))
        )
        try:
            answer = str(tables.query(sql, {"sales": sales}, LIMITS).rows)
        except TableError as error:
            answer = f"{error.detail} {error.cells}"
        has_reached = SECRET in answer or "root:" in answer or out.exists()
        if has_reached or (kind in LOCKED and "cannot be run" not in answer):
            escaped.append((kind, sql, answer))
    assert not escaped
    assert tables.query("SELECT count(*) FROM sales", {"sales": sales}, LIMITS).rows == ((2,),)
    assert dict(os.environ) == environment
    assert (process.memory_info().rss - memory) >> 20 < MAX_GROWTH_MB
    assert sorted(path.name for path in place.iterdir()) == ["in", "other", "sales.csv", "secret.csv"]


@pytest.mark.parametrize("kind", LOCKED)
def test_locked_engine_refuses_what_the_check_would_have_let_through(kind: str, place: Path):
    """Without the check and without the confined process: DuckDB's own lock is enough."""
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    allowed = place / "allowed.parquet"
    connection.execute(f"COPY (SELECT 1 AS id) TO '{allowed}'")
    queries.open_tables(connection, Statement("", ("sales",)), {"sales": allowed})
    queries.lock(connection, [allowed])
    for pattern in kinds()[kind]:
        sql = pattern.replace("SECRET", str(place / "secret.csv")).replace("OUT", str(place / "out"))
        if ":memory:" in sql:
            continue
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()
    assert not (place / "out").exists()


def test_ended_process_is_replaced(place: Path, tables: DuckDBTables):
    assert tables.query("SELECT 1", {}, LIMITS).rows == ((1,),)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "engines.tables.child_process" in child.cmdline():
                child.kill()
                child.wait()
    assert tables.query("SELECT 1", {}, LIMITS).rows == ((1,),)


def test_fork_has_processes_of_its_own(tables: DuckDBTables):
    """One that is killed in its work leaves its parent's alone."""
    assert tables.query("SELECT 1", {}, LIMITS).rows == ((1,),)
    if (pid := os.fork()) == 0:
        with suppress(BaseException):
            tables.query("SELECT count(*) FROM range(10000000) a, range(10000000) b", {}, LIMITS)
        os._exit(1)
    time.sleep(1.0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert tables.query("SELECT 2", {}, LIMITS).rows == ((2,),)
