from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from benchmarks.reports import Row
from tests.conftest import Person
from tests.proof.conftest import Report
from tests.support.api_client import Caller, make_caller
from tests.support.server import running_server

GROWTH_MB, SAMPLES_PER_SECOND = 30, 100


@dataclass(frozen=True, slots=True)
class ServerProcess:
    address: str
    process: psutil.Process


class MemoryWatch:
    """Measures how much a process's memory grows while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._stopped = process, threading.Event()

    def __enter__(self) -> MemoryWatch:
        self._before = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stopped.wait(1 / SAMPLES_PER_SECOND):
            self.most = max(self.most, self._process.memory_info().rss)

    @property
    def growth_mb(self) -> float:
        return float(self.most - self._before) / 1e6


@pytest.fixture(scope="session")
def measured(report: Report) -> Iterator[list[Row]]:
    """The figures of the harness's tests, reported after the last of them."""
    rows: list[Row] = []
    yield rows
    if rows:
        report("api", rows)


@pytest.fixture
def caller(owner: Person) -> Caller:
    return make_caller(owner)


@pytest.fixture
def server(database: None) -> Iterator[ServerProcess]:
    """A new server: one that has handled requests may keep memory."""
    others = set(psutil.Process().children())
    with running_server() as address:
        (process,) = set(psutil.Process().children()) - others
        yield ServerProcess(address, process)
