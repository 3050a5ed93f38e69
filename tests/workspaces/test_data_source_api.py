"""Data sources over REST: uploads with a look at what was recognised, and queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conftest import Person
from tests.support.api_client import Caller, assert_problem, make_caller
from workspaces.data_sources.upkeep import remove_files_of
from workspaces.models import DataImport, DataSource, Workspace

ROWS = "shop,day,amount\nnorth,2026-01-05,10.50\nsouth,2026-01-06,2.25\nnorth,2026-02-07,0.10\n=1+1,2026-02-08,\n"


@pytest.fixture
def source(owner: Person) -> DataSource:
    return _make_source(owner)


def _make_source(owner: Person) -> DataSource:
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Shops")
        source: DataSource = DataSource.objects.create(workspace=workspace, name="Sales")
    return source


def upload(caller: Caller, pk: UUID, text: str = ROWS, **fields: Any) -> Any:
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    file = SimpleUploadedFile("sales.csv", text.encode())
    return client.post(f"/api/v1/data-sources/{pk}/upload/", {"file": file, **fields})


def work(tenant_id: UUID) -> None:
    work_in_process(handler_of(DataImport), tenant_id)


def ask(caller: Caller, pk: UUID, **body: Any) -> Any:
    return caller.post(f"data-sources/{pk}/query/", body)


def test_upload_is_imported_and_asked_both_ways(caller: Caller, source: DataSource, owner: Person):
    answer = upload(caller, source.pk)
    assert answer.status_code == 202 and answer.json()["state"] == "queued"
    work(owner.tenant_id)
    assert caller.get(f"data-imports/{answer.json()['id']}/").json()["row_count"] == 4
    by_sql = ask(
        caller, source.pk, sql="SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY 2 DESC"
    )
    assert by_sql.json()["rows"] == [["north", 10.6], ["south", 2.25], ["=1+1", None]]
    by_form = {
        "group": ["shop"],
        "aggregate": [{"function": "sum", "column": "amount", "as": "total"}, {"function": "count"}],
        "where": [
            {"column": "day", "op": "gte", "value": "2026-01-06"},
            {"column": "amount", "op": "not_null"},
        ],
        "order": [{"by": "total", "descending": True}],
        "limit": 5,
    }
    assert ask(caller, source.pk, structured=by_form).json()["rows"] == [
        ["south", 2.25, 1],
        ["north", 0.1, 1],
    ]


@pytest.mark.parametrize(
    ("where", "shops"),
    [
        ([{"column": "shop", "op": "contains", "value": "OUT"}], ["south"]),
        ([{"column": "shop", "op": "starts_with", "value": "n"}], ["north", "north"]),
        ([{"column": "shop", "op": "in", "value": ["south", "x' OR 1=1 --"]}], ["south"]),
        ([{"column": "amount", "op": "is_null"}], ["=1+1"]),
        ([{"column": "amount", "op": "lt", "value": 1}], ["north"]),
        ([{"column": "shop", "op": "not_in", "value": ["north", "south"]}], ["=1+1"]),
    ],
)
def test_conditions_of_structured_queries(
    caller: Caller, source: DataSource, owner: Person, where: list[Any], shops: list[str]
):
    upload(caller, source.pk)
    work(owner.tenant_id)
    answer = ask(caller, source.pk, structured={"select": ["shop"], "where": where}).json()
    assert [row[0] for row in answer["rows"]] == shops


def test_what_was_recognised_is_corrected_before_the_import(
    caller: Caller, source: DataSource, owner: Person
):
    waiting = upload(caller, source.pk, "code;day\n1;03/04/2026\n2;05/06/2026\n", start="false").json()
    assert waiting["state"] == "waiting"
    assert waiting["recognised_json"]["options"]["date_format"] == "%d/%m/%Y"
    assert waiting["recognised_json"]["rows"][0] == ["1", "03/04/2026"]
    path = f"data-imports/{waiting['id']}/"
    options = {"date_format": "%m/%d/%Y", "types": {"code": "text"}}
    seen = caller.post(f"{path}recognise/", {"options": options}).json()["recognised_json"]
    assert [column["type"] for column in seen["columns"]] == ["text", "date"]
    assert caller.post(f"{path}start/", {"options": options}).status_code == 202
    assert_problem(caller.post(f"{path}start/", {}), 409, "data_import_started")
    work(owner.tenant_id)
    rows = ask(caller, source.pk, sql="SELECT code, day FROM sales ORDER BY day").json()["rows"]
    assert rows == [["1", "2026-03-04"], ["2", "2026-05-06"]]


def test_wrong_queries_are_named_problems(caller: Caller, source: DataSource, owner: Person):
    upload(caller, source.pk)
    work(owner.tenant_id)
    for body, code in (
        ({"sql": "DELETE FROM sales"}, "table_statement"),
        ({"sql": "SELECT * FROM other"}, "table_unknown"),
        ({"sql": "SELECT nothing FROM sales"}, "table_failed"),
        ({"structured": {"select": ["nothing"]}}, "column_unknown"),
        ({"structured": {"selects": []}}, "structured_query_invalid"),
        ({"structured": {"aggregate": [{"function": "sum"}]}}, "structured_query_invalid"),
    ):
        assert_problem(ask(caller, source.pk, **body), 422, code)
    assert_problem(ask(caller, source.pk), 422, "invalid")
    assert_problem(
        upload(caller, source.pk, options='{"types": {"shop": "colour"}}'), 422, "read_options_invalid"
    )


def test_descriptions_are_people_s_and_types_are_not(caller: Caller, source: DataSource, owner: Person):
    upload(caller, source.pk)
    work(owner.tenant_id)
    path = f"data-sources/{source.pk}/"
    change = [{"name": "amount", "type": "text", "description": "what was paid", "unit": "EUR"}]
    amount = caller("patch", path, {"schema_json": change}).json()["schema_json"][2]
    assert (amount["type"], amount["description"], amount["unit"]) == ("decimal", "what was paid", "EUR")
    assert_problem(caller("patch", path, {"schema_json": [{"name": "other"}]}), 422, "column_unknown")


def test_deleted_data_source_is_asked_no_more_and_its_files_go(
    caller: Caller, source: DataSource, owner: Person, monkeypatch: pytest.MonkeyPatch
):
    upload(caller, source.pk)
    work(owner.tenant_id)
    upload(caller, source.pk, start="false")
    with tenant_scope(owner.tenant_id):
        rows = DataSource.objects.get(pk=source.pk).file_path
        waiting = DataImport.objects.get(state="waiting").source_path
    assert remove_files_of(owner.tenant_id) == 0
    assert caller("delete", f"data-sources/{source.pk}/").status_code == 204
    assert ask(caller, source.pk, sql="SELECT 1").status_code == 404
    monkeypatch.setattr("workspaces.data_sources.upkeep.YOUNG", timedelta(0))
    assert remove_files_of(owner.tenant_id) == 2
    assert not default_storage.exists(rows) and not default_storage.exists(waiting)


def test_scope_to_read_allows_queries_and_no_uploads(owner: Person, source: DataSource):
    caller = make_caller(owner, ["workspaces:read"])
    assert upload(caller, source.pk).status_code == 403
    assert ask(caller, source.pk, sql="SELECT 1 AS one").json()["rows"] == [[1]]
