"""Data sources whose rows a query of a database keeps: PostgreSQL is the suite's own server, over a port that the operator
allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conftest import Person
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.database_server import DatabaseServer, database_server
from tests.workspaces.query_benches import Bench, make_bench
from workspaces.models import DatabaseQuery, DataImport, DataSource

TYPES = """
SELECT n::bigint AS id, (n / 100.0)::numeric(12,2) AS price, DATE '2026-01-01' + n::int AS day,
       TIMESTAMPTZ '2026-01-01 12:00:00+02' AS at, n % 2 = 0 AS paid, CASE WHEN n > 1 THEN 'Käse "x", y' END AS name,
       n / 3.0::float8 AS share, jsonb_build_object('n', n) AS more, NULL::numeric AS nothing, 9223372036854775807 AS most
FROM generate_series(1, 5000) AS n
"""


@pytest.fixture
def server() -> Iterator[DatabaseServer]:
    with database_server() as server:
        yield server


@pytest.fixture
def bench(owner: Person, caller: Caller, server: DatabaseServer, settings: Any) -> Bench:
    return make_bench(owner, caller, server, server.config, settings)


def test_rows_come_with_their_types(bench: Bench):
    made = bench.add(TYPES).json()
    run = bench.run(made["id"])
    assert (run["state"], run["row_count"], run["error_detail"]) == ("done", 5000, "")
    schema = bench.caller.get(f"data-sources/{bench.source.pk}/").json()["schema_json"]
    assert {column["name"]: column["type"] for column in schema} == {
        "id": "integer",
        "price": "decimal",
        "day": "date",
        "at": "timestamp",
        "paid": "boolean",
        "name": "text",
        "share": "number",
        "more": "text",
        "nothing": "decimal",
        "most": "integer",
    }
    assert bench.ask("SELECT * FROM sales WHERE id IN (1, 2) ORDER BY id")[1] == [
        *(2, 0.02, "2026-01-03", "2026-01-01T10:00:00", True, 'Käse "x", y', 2 / 3),
        *('{"n": 2}', None, 2**63 - 1),
    ]
    assert bench.ask("SELECT sum(price), count(name) FROM sales") == [[125025, 4999]]


def test_next_run_is_planned_and_good_rows_stay_on_errors(bench: Bench):
    made = bench.add("SELECT 1 AS n", every_minutes=60).json()
    (planned,) = bench.planned()
    assert planned.available_at
    due = (planned.available_at - timezone.now()).total_seconds()
    assert 53 * 60 < due < 67 * 60
    assert bench.run(made["id"])["id"] == str(planned.pk)
    (following,) = bench.planned()
    page = bench.owner.client.get(
        reverse("admin:data_sources_import", args=[bench.source.pk])
    ).content.decode()
    assert "1 rows were imported" in page
    assert (
        bench.change(made["id"], sql="SELECT 1 / (n - 3) AS n FROM generate_series(1, 9) n").status_code
        == 200
    )
    failed = bench.run(made["id"])
    assert (failed["id"], failed["state"], failed["error_code"]) == (
        str(following.pk),
        "error",
        "database_query",
    )
    assert "division by zero" in failed["error_detail"]
    assert bench.ask("SELECT n FROM sales") == [[1]]
    assert len(bench.planned()) == 1
    assert bench.change(made["id"], every_minutes=None).status_code == 200
    assert bench.planned() == []


def test_lost_connection_is_tried_again_and_nothing_is_lost(bench: Bench):
    made = bench.add(TYPES.replace("5000", "20000")).json()
    bench.server.breaks_after = 500_000
    run = bench.run(made["id"])
    with tenant_scope(bench.owner.tenant_id):
        assert DataImport.objects.get(pk=run["id"]).attempt == 2
    assert (run["row_count"], bench.ask("SELECT count(DISTINCT id) FROM sales")) == (20_000, [[20_000]])


def test_what_is_no_select_is_not_kept(bench: Bench):
    for sql in (
        "DELETE FROM messages",
        "SELECT 1; SELECT 2",
        "WITH d AS (DELETE FROM messages RETURNING 1) SELECT * FROM d",
        "SELECT 1 INTO t",
        "COPY messages TO '/tmp/x'",
        "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
        "no SQL",
    ):
        assert "only one SELECT" in str(assert_problem(bench.add(sql), 422, "invalid"))


def test_writing_function_is_refused_by_the_transaction(bench: Bench):
    made = bench.add(
        "SELECT set_config('transaction_read_only', 'off', true) AS x, nextval('no_such') AS y"
    ).json()
    run = bench.run(made["id"])
    assert (run["state"], run["error_code"]) == ("error", "database_query")
    assert "read-write mode" in run["error_detail"] or "does not exist" in run["error_detail"]


def test_columns_need_names_of_their_own(bench: Bench):
    run = bench.run(bench.add("SELECT 1 AS a, 2 AS A").json()["id"])
    assert "two columns have the name 'a'" in run["error_detail"]


def test_admins_set_queries_up_and_editors_run_them(bench: Bench, owner: Person, stranger: Person):
    form = {"data_source": bench.source.pk, "integration": bench.integration.pk, "sql": "SELECT 7 AS n"}
    wrong = owner.client.post(url(DatabaseQuery, "add"), {**form, "sql": "DROP TABLE x"})
    assert "only one SELECT is allowed" in wrong.content.decode()
    assert owner.client.post(url(DatabaseQuery, "add"), form).status_code == 302
    with tenant_scope(owner.tenant_id):
        query = DatabaseQuery.objects.get()
    shown: Any = owner.client.get(url(DataSource, "query_database", bench.source.pk))
    assert shown.url == url(DatabaseQuery, "change", query.pk)
    assert owner.client.get(f"{url(DatabaseQuery, 'change', query.pk)}").status_code == 200
    ran: Any = owner.client.post(url(DatabaseQuery, "run", query.pk))
    assert ran.url == reverse("admin:data_sources_import", args=[bench.source.pk])
    work_in_process(handler_of(DataImport), owner.tenant_id)
    assert bench.ask("SELECT n FROM sales") == [[7]]
    theirs = make_caller(stranger).post(f"database-queries/{query.pk}/run/", {})
    assert_problem(theirs, 404, "not_found")
    assert owner.client.post(url(DataSource, "delete", bench.source.pk), {"post": "yes"}).status_code == 302
    with tenant_scope(owner.tenant_id):
        assert not DatabaseQuery.objects.exists()
