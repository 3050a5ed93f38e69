"""Ten million rows in a data source, beside DuckDB alone with all the memory that it wants: the import of CSV, a query,
and the memory of the process that does it.

`python -m benchmarks.tables` takes some three minutes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Event, Thread

import duckdb
import psutil

from benchmarks.reports import BenchmarkReport
from engines.tables import ReadOptions, TableLimits
from engines.tables.duckdb_process import DuckDBTables

ROWS, IMPORTS, QUERIES = 10_000_000, 3, 15
MAX_IMPORT_RATIO, MAX_QUERY_MS, MAX_MB = 1.5, 50, 512
SAMPLE_SECONDS = 0.02
LIMITS = TableLimits(seconds=600.0)
MAKE = (
    "SELECT i AS id, 'shop ' || (i % 97) AS shop, DATE '2020-01-01' + (i % 2000)::INTEGER AS day,"
    " ((hash(i) % 100000) / 100)::DECIMAL(9, 2) AS amount, ['red', 'green', 'blue', NULL][1 + (i % 4)] AS colour,"
    " CASE WHEN i % 1000 = 0 THEN NULL ELSE (hash(i * 7) % 1000)::INTEGER END AS quantity"
)
GROUPED = "SELECT shop, sum(amount) AS total, count(*) AS rows FROM sales WHERE quantity > 100 GROUP BY shop ORDER BY 2"


def main() -> None:
    report = BenchmarkReport()
    with tempfile.TemporaryDirectory(prefix="oyl-bench-") as folder:
        place = Path(folder)
        source, target, own = place / "sales.csv", place / "rows" / "sales.parquet", place / "own.parquet"
        target.parent.mkdir()
        duckdb.execute(f"COPY ({MAKE} FROM range({ROWS}) t(i)) TO '{source}'")
        tables = DuckDBTables()
        tables.query("SELECT 1", {}, LIMITS)
        with _peak() as peak:
            _measure_import(report, tables, source, target, own)
            _measure_query(report, tables, target)
        report.add("memory of the process, at most", f"{peak[0]} MB", f"≤ {MAX_MB} MB", met=peak[0] <= MAX_MB)
        tables.end()
    report.save("tables")


def _measure_import(
    report: BenchmarkReport, tables: DuckDBTables, source: Path, target: Path, own: Path
) -> None:
    """In turn, because the machine is not always as quick."""
    alone, ours = list[float](), list[float]()
    for _ in range(IMPORTS):
        copied = f"COPY (SELECT * FROM read_csv('{source}')) TO '{own}' (FORMAT parquet)"  # noqa: S608
        alone.append(_seconds(lambda copied=copied: duckdb.connect().execute(copied)))  # type: ignore[misc]
        ours.append(_seconds(lambda: tables.load(source, source.name, ReadOptions(), target, LIMITS)))
    ratio = median(ours) / median(alone)
    size = source.stat().st_size >> 20
    report.add(f"import of {ROWS:,} rows, {size} MB of CSV, DuckDB alone", f"{median(alone):.1f} s")
    report.add("the same by OYL, with types, profile and exact decimals", f"{median(ours):.1f} s")
    report.add("ratio", f"{ratio:.2f}", f"≤ {MAX_IMPORT_RATIO}", met=ratio <= MAX_IMPORT_RATIO)


def _measure_query(report: BenchmarkReport, tables: DuckDBTables, target: Path) -> None:
    """DuckDB alone has its connection open, and its threads and caches warm."""
    connection = duckdb.connect(config={"threads": LIMITS.threads})
    connection.execute(f"CREATE VIEW sales AS FROM read_parquet('{target}')")
    alone, ours = list[float](), list[float]()
    for _ in range(QUERIES):
        alone.append(_seconds(lambda: connection.execute(GROUPED).fetchall()))
        ours.append(_seconds(lambda: tables.query(GROUPED, {"sales": target}, LIMITS)))
        time.sleep(0.2)  # the process for the next query is made meanwhile
    more = 1000 * (median(ours) - median(alone))
    report.add("a grouped query, DuckDB alone", f"{1000 * median(alone):.0f} ms")
    report.add("the same by OYL, checked and confined", f"{1000 * median(ours):.0f} ms")
    report.add("difference", f"{more:.0f} ms", f"≤ {MAX_QUERY_MS} ms", met=more <= MAX_QUERY_MS)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The most megabytes that any single process for tables had in memory."""
    peak, stop = [0], Event()
    own = psutil.Process()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            for child in own.children(recursive=True):
                with suppress(psutil.Error):
                    peak[0] = max(peak[0], child.memory_info().rss >> 20)

    thread = Thread(target=sample, daemon=True)
    thread.start()
    yield peak
    stop.set()
    thread.join()


if __name__ == "__main__":
    main()
