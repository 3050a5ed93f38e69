"""What a child does with its question: confine itself, and answer."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb

from engines.parsing import landlock, namespaces, sandbox, system_calls
from engines.tables import ReadOptions, TableError, TableLimits, queries, reading, statements
from engines.tables.wire import as_answer

# Of the address space: what the libraries and the stacks of threads take besides the memory.
_ADDRESSES_MB = 1_536
# Of the memory, what DuckDB keeps count of.
_COUNTED_SHARE = 0.6
# DuckDB looks there for the limits of a container.
_ABOUT_MEMORY = ("/proc/self/cgroup", "/proc/meminfo", "/sys/fs/cgroup")
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "async_threads": 0,
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_file_cache": "false",
}


def connect(folder: Path) -> Any:
    """With one thread, so that what this process gives up later is given up by all that it will have."""
    connection = duckdb.connect(":memory:", config={**_SETTINGS, "temp_directory": str(folder)})
    connection.execute("SET TimeZone='UTC'")
    return connection


def answer(question: Mapping[str, Any], connection: Any, folder: Path) -> dict[str, Any]:
    limits = TableLimits(**question["limits"])
    try:
        _limit(limits)
        if "sql" in question:
            return _about_sql(question, connection, folder, limits)
        return _about_file(question, connection, folder, limits)
    except TableError as error:
        return as_answer(error)
    except (MemoryError, duckdb.OutOfMemoryException):
        return as_answer(TableError("table_memory", megabytes=limits.memory_mb))


def _about_sql(
    question: Mapping[str, Any], connection: Any, folder: Path, limits: TableLimits
) -> dict[str, Any]:
    tables = {name: Path(path) for name, path in question["tables"].items()}
    targets = [Path(question["target"])] if question.get("target") else []
    statement = statements.checked(question["sql"], tables, rows=limits.rows, values=question.get("values"))
    paths = [tables[name] for name in statement.tables]
    _confine(paths, [folder, *(target.parent for target in targets)])
    _share_out(connection, limits)
    queries.open_tables(connection, statement, tables)
    queries.lock(connection, [*paths, *targets])
    if targets:
        queries.export(connection, statement, targets[0], question["format"], limits)
        return {}
    return asdict(queries.query(connection, statement, limits))


def _about_file(
    question: Mapping[str, Any], connection: Any, folder: Path, limits: TableLimits
) -> dict[str, Any]:
    path, filename, options = Path(question["path"]), question["filename"], ReadOptions(**question["options"])
    targets = [Path(question["target"])] if question.get("target") else []
    _confine([path], [folder, *(target.parent for target in targets)])
    _share_out(connection, limits)
    copies = [folder / name for name in (reading.DECODED, reading.LINES, reading.SHEET)]
    queries.lock(connection, [path, *copies, *targets])
    if not targets:
        return asdict(reading.recognised(connection, path, filename, options, folder))
    known = replace(options, format=reading.file_format(path, filename, options))
    return asdict(reading.load(connection, path, known, targets[0], folder))


def _limit(limits: TableLimits) -> None:
    addresses = (limits.memory_mb + _ADDRESSES_MB) << 20
    processor_seconds = int(limits.seconds * limits.threads) + 2
    for kind, value in (
        (resource.RLIMIT_AS, addresses),
        (resource.RLIMIT_FSIZE, limits.file_mb << 20),
        (resource.RLIMIT_CPU, processor_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lowest, lowest))


def _confine(readable: list[Path], writable: list[Path]) -> None:
    """Raises OSError if a layer that the kernel has cannot be taken."""
    tempfile.tempdir = str(writable[0])
    os.chdir(writable[0])
    namespaces.drop_capabilities()
    ruleset = landlock.Ruleset()
    ruleset.allow_reading([*sandbox.readable(), *_ABOUT_MEMORY])
    ruleset.allow_reading(map(str, readable))
    ruleset.allow_writing([*map(str, writable), os.devnull])
    ruleset.restrict()
    system_calls.restrict(may_start_programs=False)


def _share_out(connection: Any, limits: TableLimits) -> None:
    connection.execute(f"SET memory_limit='{int(limits.memory_mb * _COUNTED_SHARE)}MB'")
    connection.execute(f"SET max_temp_directory_size='{limits.file_mb}MB'")
    connection.execute(f"SET threads={int(limits.threads)}")
