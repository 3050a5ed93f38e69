"""The processor time of a search over HTTP, in the web process and in PostgreSQL.

`python -m benchmarks.search_cost [CHECKOUT …]` measures other checkouts, such as one of the version before, and this one, in
turns over the same tenant, so that other load on the machine affects all. It takes some three minutes.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from django.conf import settings

from benchmarks import api_client, data
from benchmarks.reports import ROOT
from benchmarks.rest import WEB, BenchmarkTenant, create_tenant, is_listening
from benchmarks.synthetic_chunks import ChunkGenerator, wait_for_search_graph, write_chunks
from core.quota_upkeep import add_up_uses_of

CHUNKS, CLIENTS, SECONDS, ROUNDS = 3000, 16, 6, 5


class Cost(NamedTuple):
    """Of one search, in milliseconds of the processor."""

    web: float
    postgres: float


def main(*others: str) -> None:
    with instance.running(), ExitStack() as stack:
        tenant, questions = create_tenant(), data.questions()
        write_chunks(tenant.actor.tenant_id, tenant.reference.pk, ChunkGenerator().chunks(), CHUNKS)
        wait_for_search_graph(CHUNKS)
        servers = {folder: stack.enter_context(serving(Path(folder))) for folder in (*others, str(ROOT))}
        costs: defaultdict[str, list[Cost]] = defaultdict(list)
        for _ in range(ROUNDS):
            for folder, (address, web) in servers.items():
                measure(tenant, address, web, questions, seconds=1)
                costs[folder].append(measure(tenant, address, web, questions, seconds=SECONDS))
    _print(costs)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the web server of a checkout."""
    with socket.create_server((settings.OYL_HOST, 0)) as probe:
        port = probe.getsockname()[1]
    variables = {**os.environ, "OYL_PORT": str(port)}
    with subprocess.Popen(WEB, cwd=folder, env=variables, stderr=subprocess.DEVNULL) as process:
        while not is_listening(port):
            time.sleep(0.1)
        yield f"{settings.OYL_HOST}:{port}", psutil.Process(process.pid)
        process.terminate()


def measure(
    tenant: BenchmarkTenant, address: str, web: psutil.Process, questions: Iterator[str], *, seconds: int
) -> Cost:
    add_up_uses_of(tenant.actor.tenant_id)  # as every minute, when all of OYL runs
    clients = [tenant.client(address) for _ in range(CLIENTS)]
    pid = (settings.LAYOUT.postgres / "postmaster.pid").read_text().split()[0]
    before, postgres = _used(web), psutil.Process(int(pid))
    before_postgres = _used(postgres)
    count = len(api_client.search_concurrently(clients, questions, seconds=seconds)) + CLIENTS
    return Cost(
        web=(_used(web) - before) / count * 1000, postgres=(_used(postgres) - before_postgres) / count * 1000
    )


def _used(process: psutil.Process) -> float:
    """The seconds of the processor that the process and its children have used."""
    return sum(sum(one.cpu_times()[:4]) for one in [process, *process.children()])


def _print(costs: dict[str, list[Cost]]) -> None:
    first = next(iter(costs.values()))
    for folder, own in costs.items():
        for part in Cost._fields:
            figures = [getattr(cost, part) for cost in own]
            ratios = [
                getattr(cost, part) / getattr(other, part) for cost, other in zip(own, first, strict=True)
            ]
            spread = f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"
            sys.stdout.write(f"{folder}, {part}: {median(figures):.1f} ms, {spread} of the first\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
