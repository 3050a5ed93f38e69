"""`python -m peers.dbos_steps URL STEPS RUNS`: workflows of DBOS with steps that do nothing, in the PostgreSQL at URL. For
each run, prints its seconds as a line of JSON."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

from dbos import DBOS

url, steps, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
DBOS(config={"name": "benchmark", "system_database_url": url, "log_level": "ERROR"})


@DBOS.step()
def nothing(number: int) -> int:
    return number


@DBOS.workflow()
def follow(count: int) -> int:
    for number in range(count):
        nothing(number)
    return count


DBOS.launch()
follow(1)
for _ in range(runs):
    sys.stdin.readline()
    began = time.perf_counter()
    follow(steps)
    print(json.dumps({"seconds": time.perf_counter() - began, "version": version("dbos")}), flush=True)  # noqa: T201
