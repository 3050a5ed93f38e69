"""MySQL is MariaDB, where it is installed: apt install mariadb-server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Person
from tests.support.api_client import Caller
from tests.support.database_server import maria_server
from tests.workspaces.query_benches import make_bench

MARIA = """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 900)
SELECT n AS id, CAST(n / 100 AS DECIMAL(20, 10)) AS price, DATE '2026-01-01' + INTERVAL n DAY AS day,
       TIMESTAMP '2026-01-01 12:00:00' AS at, IF(n > 1, 'Käse', NULL) AS name, 18446744073709551615 AS most,
       CAST(NULL AS DECIMAL(9, 2)) AS nothing
FROM t
"""


@pytest.fixture(scope="module")
def maria() -> Iterator[dict[str, Any]]:
    with maria_server() as config:
        yield config


def test_rows_of_mysql(owner: Person, caller: Caller, maria: dict[str, Any], settings: Any):
    bench = make_bench(owner, caller, None, maria, settings)
    made = bench.add(MARIA).json()
    run = bench.run(made["id"])
    assert (run["state"], run["row_count"], run["warnings_json"]) == ("done", 900, [])
    assert bench.ask("SELECT sum(price), min(day), max(at), count(name), max(most) FROM sales") == [
        [4054.5, "2026-01-02", "2026-01-01T12:00:00", 899, "18446744073709551615"]
    ]
    assert bench.change(made["id"], sql="SELECT nothing_here FROM t").status_code == 200
    assert "doesn't exist" in bench.run(made["id"])["error_detail"]
    assert bench.ask("SELECT count(*) FROM sales") == [[900]]
