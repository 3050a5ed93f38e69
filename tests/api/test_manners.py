"""What holds for every route: problems, repeated requests, concurrent changes, pages and filters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.api.pagination import Cursor
from core.isolation.scope import tenant_scope
from core.models import IdempotencyKey
from core.tasks import purge_idempotency_keys
from knowledge.models import Document
from oyl.celery import beat_schedule
from tests.api.conftest import Caller, key_of
from tests.knowledge.libraries import BEES, make_library
from workspaces.models import Workspace


def problem(answer, status: int, code: str):
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["request_id"] == answer["X-Request-ID"]
    return body


def test_problems_have_one_form(caller: Caller):
    assert "address" in problem(caller.get("nothing/"), 404, "not_found")["detail"]
    problem(caller.get(f"workspaces/{uuid4()}/"), 404, "not_found")
    problem(caller.get("workspaces/1/"), 404, "not_found")
    problem(caller("put", "workspaces/", {}), 405, "method_not_allowed")
    problem(caller.post("workspaces/", "{"), 400, "parse_error")
    client = Client(headers={"Authorization": f"Bearer {caller.made.secret}"})
    wrong = client.post("/api/v1/workspaces/", "name=x", content_type="text/plain")
    problem(wrong, 415, "unsupported_media_type")
    errors = problem(caller.post("workspaces/", {"title": "x"}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("title", "unknown")]
    errors = problem(caller.post("workspaces/", {}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("name", "required")]
    problem(caller.get("workspaces/?colour=red"), 422, "invalid")


def test_an_address_without_its_slash_leads_to_the_one_with_it(caller: Caller):
    answer = caller.post("workspaces", {"name": "One"})
    assert (answer.status_code, answer["Location"]) == (308, "/api/v1/workspaces/")


@pytest.mark.parametrize(
    ("address", "status"),
    [("/api/v1/workspaces/", 200), ("/api/schema/", 200), ("/api/docs/", 405), ("/v1/vector_stores", 405)],
)
def test_options_are_told_or_refused(address: str, status: int, caller: Caller):
    client = Client(headers={"Authorization": f"Bearer {caller.made.secret}"})
    assert client.options(address).status_code == status


def test_a_taken_name_names_the_field(caller: Caller):
    assert caller.post("workspaces/", {"name": "One"}).status_code == 201
    assert "name" in str(problem(caller.post("workspaces/", {"name": "One"}), 422, "invalid")["errors"])


def test_a_repeated_request_has_one_effect_and_one_answer(owner, caller: Caller):
    headers = {"Idempotency-Key": uuid4().hex}
    first, again = (caller.post("workspaces/", {"name": "One"}, **headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json() and again["Idempotency-Replayed"] == "true"
    problem(caller.post("workspaces/", {"name": "Two"}, **headers), 422, "idempotency_key_reused")
    problem(caller.post("workspaces/", {"name": "x"}, **{"Idempotency-Key": "x" * 256}), 422, "invalid")
    other = key_of(owner).post("workspaces/", {"name": "Three"}, **headers)
    assert other.status_code == 201  # another key's is another request
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.count() == 2


def test_what_was_refused_may_be_corrected_under_the_same_key(caller: Caller):
    headers = {"Idempotency-Key": uuid4().hex}
    assert caller.post("workspaces/", {}, **headers).status_code == 422
    assert caller.post("workspaces/", {"name": "One"}, **headers).status_code == 201


def test_answers_are_kept_for_a_day(owner, stranger, caller: Caller):
    theirs, headers = key_of(stranger), {"Idempotency-Key": "old"}
    for someone in (caller, theirs):
        someone.post("workspaces/", {"name": "One"}, **headers)
    caller.post("workspaces/", {"name": "Two"}, **{"Idempotency-Key": "new"})
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            IdempotencyKey.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    assert purge_idempotency_keys() >= 2
    left: list[str] = []
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            left += IdempotencyKey.objects.values_list("key", flat=True)
    assert left == ["new"]
    assert "purge_idempotency_keys" in str(beat_schedule())
    problem(caller.post("workspaces/", {"name": "One"}, **headers), 422, "invalid")  # no longer replayed


def test_equal_requests_at_once_make_one_object_for_each_key(owner, caller: Caller, size=8):
    def ask(number: int) -> int:
        try:
            name = f"Number {number % size}"
            answer = caller.post("workspaces/", {"name": name}, **{"Idempotency-Key": name})
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        codes = set(threads.map(ask, range(10 * size)))
    assert codes <= {201, 409}
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.filter(name__startswith="Number").count() == size


def test_a_change_of_what_has_changed_meanwhile_is_refused(caller: Caller):
    made = caller.post("workspaces/", {"name": "One"}).json()
    read = caller.get(f"workspaces/{made['id']}/")
    path, etag = f"workspaces/{made['id']}/", read["ETag"]
    changed = caller("patch", path, {"description": "x"}, **{"If-Match": etag})
    assert changed.status_code == 200 and changed["ETag"] != etag
    problem(caller("patch", path, {"description": "y"}, **{"If-Match": etag}), 412, "precondition_failed")
    problem(caller("delete", path, None, **{"If-Match": etag}), 412, "precondition_failed")
    problem(caller("delete", path, None, **{"If-Match": "nonsense"}), 412, "precondition_failed")
    of_a_proxy = f'"other", W/{changed["ETag"]}'
    assert caller("delete", path, None, **{"If-Match": of_a_proxy}).status_code == 204


def test_pages_go_on_where_the_last_one_ended(caller: Caller):
    names = {f"Number {number}" for number in range(5)}
    for name in names:
        caller.post("workspaces/", {"name": name})
    assert names_of(walk(caller, "workspaces/?limit=2&ordering=name", "next")) == sorted(names)


def walk(caller: Caller, path: str, way: str) -> list[dict[str, Any]]:
    """The pages from this one on."""
    pages = []
    while path:
        pages.append(caller.get(path).json())
        path = (pages[-1][way] or "").partition("/api/v1/")[2]
    return pages


def names_of(pages: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for page in pages for one in page["results"]]


@pytest.mark.parametrize("ordering", ["", "&ordering=-created_at,name", "&ordering=created_at"])
def test_of_many_rows_of_the_same_moment_each_is_on_one_page(owner, caller: Caller, ordering):
    """As there are many of what one statement wrote."""
    names = [f"Number {number:04}" for number in range(1100)]
    with tenant_scope(owner.tenant_id):
        Workspace.objects.bulk_create(Workspace(name=name) for name in names)
        Workspace.objects.update(created_at=timezone.now())
    there = walk(caller, f"workspaces/?limit=200{ordering}", "next")
    assert sorted(names_of(there)) == names
    back = walk(caller, f"workspaces/?limit=200{ordering}&cursor={Cursor(backwards=True)}", "previous")
    assert names_of(back[::-1]) == names_of(there)
    assert there[0]["previous"] is back[0]["next"] is None


def test_a_page_of_which_nothing_is_left_leads_back(owner, caller: Caller):
    for number in range(4):
        caller.post("workspaces/", {"name": f"Number {number}"})
    first = caller.get("workspaces/?limit=2&ordering=name").json()
    with tenant_scope(owner.tenant_id):
        Workspace.objects.filter(name__gt="Number 1").delete()
    nothing, *back = walk(caller, first["next"].partition("/api/v1/")[2], "previous")
    assert (nothing["results"], nothing["next"]) == ([], None)
    assert names_of(back) == ["Number 0", "Number 1"]


@pytest.mark.parametrize(
    "asked",
    [
        "limit=0",
        "limit=201",
        "limit=1e1",
        "limit=",
        "cursor=x",
        "cursor=cD0A",
        "ordering=id",
        "ordering=",
        "name=a&name=b",
        "format=xml",
    ],
)
def test_what_a_list_cannot_be_asked_is_refused(caller: Caller, asked):
    caller.post("workspaces/", {"name": "One"})
    told = problem(caller.get(f"workspaces/?{asked}"), 422, "invalid")["errors"]
    assert [one["field"] for one in told] == [asked.partition("=")[0]]


@pytest.mark.parametrize(
    ("time", "status"), [("2026-01-01T00:00:00%2B20:36", 200), ("0001-01-01T00:00:00%2B01:00", 422)]
)
def test_a_time_may_have_any_offset_that_leads_to_a_time(caller: Caller, time, status):
    assert caller.get(f"audit-logs/?created_at__gte={time}").status_code == status


def test_a_filter_by_yes_and_no_takes_nothing_else(caller: Caller):
    assert caller.get("tags/?inherited=true").status_code == 200
    problem(caller.get("tags/?inherited=maybe"), 422, "invalid")


def test_who_accepts_only_what_is_streamed_gets_it_or_a_problem(caller: Caller):
    for name, accepted in {"content": "application/octet-stream", "events": "text/event-stream"}.items():
        problem(caller.get(f"documents/{uuid4()}/{name}/", Accept=accepted), 404, "not_found")


def test_a_value_of_another_kind_is_refused_and_not_turned_into_one_that_fits(caller: Caller):
    for path, body, field in (
        ("workspaces/", {"name": 1}, "name"),
        ("search/", {"query": "x", "explain": "no"}, "explain"),
        ("search/", {"query": "x", "limit": "5"}, "limit"),
        ("documents/delete/", {"ids": [7]}, "ids"),
        ("workspaces/", {"name": "a" + 255 * " "}, "name"),
    ):
        told = problem(caller.post(path, body), 422, "invalid")["errors"]
        assert [one["field"] for one in told] == [field]


def test_a_knowledge_base_of_a_taken_name_is_refused_and_long_names_fit(caller: Caller):
    workspace = caller.post("workspaces/", {"name": "One"}).json()["id"]
    assistant = caller.post("assistants/", {"workspace": workspace, "name": "a" * 255}).json()["id"]
    body = {"assistant": assistant, "name": "b" * 255}
    assert caller.post("knowledge-bases/", body).status_code == 201
    assert "name" in str(problem(caller.post("knowledge-bases/", body), 422, "invalid")["errors"])


def test_what_stays_as_it_was_made_is_refused_and_may_be_said_again(caller: Caller):
    first, second = (caller.post("workspaces/", {"name": name}).json()["id"] for name in "ab")
    made = caller.post("assistants/", {"workspace": first, "name": "x"}).json()
    path = f"assistants/{made['id']}/"
    errors = problem(caller("patch", path, {"workspace": second}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("workspace", "fixed")]
    assert caller("patch", path, made).status_code == 200


def test_a_misspelt_filter_is_refused_and_does_not_show_more(caller: Caller):
    for body in ({"query": "x", "filter": {}}, {"query": "x", "filters": {"tags": ["secret"]}}):
        told = problem(caller.post("search/", body), 422, "invalid")["errors"]
        assert [one["code"] for one in told] == ["unknown"]


def test_documents_come_in_and_go_out(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (tmp_path / "bees.md").write_text(BEES)

    def upload():
        with (tmp_path / "bees.md").open("rb") as part:
            return caller.upload(
                reference=str(library.reference.pk), files=part, tags=["insects"], metadata='{"year": 2026}'
            )

    answer = upload()
    assert answer.status_code == 202, answer.content
    (made,) = answer.json()["results"]
    assert (made["outcome"], made["duplicate_of"]) == ("added", None)
    library.work()
    (again,) = upload().json()["results"]
    assert again == {**made, "outcome": "unchanged"}
    path = f"documents/{made['id']}/"
    assert caller.get(path).json()["processed_status"] == "done"
    assert "dance" in caller.get(path + "text/").json()["text"]
    original = caller.get(path + "content/")
    assert b"".join(original.streaming_content) == BEES.encode()
    assert original["Content-Disposition"].startswith("attachment")
    (hit,) = caller.post(
        "search/", {"query": "where are the flowers", "filters": {"tags_any": ["insects"]}, "explain": True}
    ).json()["results"]
    assert hit["document_id"] == made["id"] and set(hit["scores"]) <= {"dense", "sparse", "fused"}
    assert caller.get(f"chunks/?document={made['id']}").json()["results"][0]["id"] == hit["chunk_id"]
    assert caller.post("documents/untag/", {"ids": [made["id"]], "tags": ["insects"]}).json() == {"count": 1}
    assert caller.post("documents/delete/", {"ids": [made["id"], str(uuid4())]}).json() == {"count": 1}
    assert caller.get(path).status_code == 404
    with tenant_scope(owner.tenant_id):
        assert Document.objects.count() == 0


def test_the_same_bytes_under_another_name_are_told(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    results = []
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text(BEES)
        with (tmp_path / name).open("rb") as part:
            results += caller.upload(reference=str(library.reference.pk), files=part).json()["results"]
    assert results[1]["duplicate_of"] == results[0]["id"]
