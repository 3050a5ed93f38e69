"""Conventions of every route: problems, idempotency, concurrent changes, pagination and filters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.api.pagination import Cursor
from core.isolation.scope import tenant_scope
from core.models import IdempotencyKey
from core.tasks import purge_idempotency_keys
from knowledge.models import Document
from oyl.celery import beat_schedule
from tests.knowledge.libraries import BEES, make_library
from tests.support.api_client import Caller, assert_problem, make_caller
from workspaces.models import Workspace


def test_errors_are_problem_documents(caller: Caller):
    assert "address" in assert_problem(caller.get("nothing/"), 404, "not_found")["detail"]
    assert_problem(caller.get(f"workspaces/{uuid4()}/"), 404, "not_found")
    assert_problem(caller.get("workspaces/1/"), 404, "not_found")
    assert_problem(caller("put", "workspaces/", {}), 405, "method_not_allowed")
    assert_problem(caller.post("workspaces/", "{"), 400, "parse_error")
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    wrong = client.post("/api/v1/workspaces/", "name=x", content_type="text/plain")
    assert_problem(wrong, 415, "unsupported_media_type")
    errors = assert_problem(caller.post("workspaces/", {"title": "x"}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("title", "unknown")]
    errors = assert_problem(caller.post("workspaces/", {}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("name", "required")]
    assert_problem(caller.get("workspaces/?colour=red"), 422, "invalid")


def test_missing_slash_redirects(caller: Caller):
    response = caller.post("workspaces", {"name": "One"})
    assert (response.status_code, response["Location"]) == (308, "/api/v1/workspaces/")


@pytest.mark.parametrize(
    ("address", "status"),
    [("/api/v1/workspaces/", 200), ("/api/schema/", 200), ("/api/docs/", 405), ("/v1/vector_stores", 405)],
)
def test_options_requests_are_answered(address: str, status: int, caller: Caller):
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    assert client.options(address).status_code == status


def test_duplicate_name_error_names_the_field(caller: Caller):
    assert caller.post("workspaces/", {"name": "One"}).status_code == 201
    assert "name" in str(
        assert_problem(caller.post("workspaces/", {"name": "One"}), 422, "invalid")["errors"]
    )


def test_idempotency_key_replays_the_first_response(owner, caller: Caller):
    headers = {"Idempotency-Key": uuid4().hex}
    first, again = (caller.post("workspaces/", {"name": "One"}, **headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json() and again["Idempotency-Replayed"] == "true"
    assert_problem(caller.post("workspaces/", {"name": "Two"}, **headers), 422, "idempotency_key_reused")
    assert_problem(
        caller.post("workspaces/", {"name": "x"}, **{"Idempotency-Key": "x" * 256}), 422, "invalid"
    )
    other = make_caller(owner).post("workspaces/", {"name": "Three"}, **headers)
    assert other.status_code == 201  # another key's is another request
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.count() == 2


def test_refused_request_can_be_corrected_with_the_same_key(caller: Caller):
    headers = {"Idempotency-Key": uuid4().hex}
    assert caller.post("workspaces/", {}, **headers).status_code == 422
    assert caller.post("workspaces/", {"name": "One"}, **headers).status_code == 201


def test_responses_are_stored_for_a_day(owner, stranger, caller: Caller):
    foreign, headers = make_caller(stranger), {"Idempotency-Key": "old"}
    for client in (caller, foreign):
        client.post("workspaces/", {"name": "One"}, **headers)
    caller.post("workspaces/", {"name": "Two"}, **{"Idempotency-Key": "new"})
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            stored = IdempotencyKey.objects.get(key="old")
            assert stored.expires_at - stored.created_at >= timedelta(hours=24)
            IdempotencyKey.objects.filter(pk=stored.pk).update(expires_at=timezone.now())
    assert purge_idempotency_keys() >= 2
    left: list[str] = []
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            left += IdempotencyKey.objects.values_list("key", flat=True)
    assert left == ["new"]
    assert "purge_idempotency_keys" in str(beat_schedule())
    assert_problem(
        caller.post("workspaces/", {"name": "One"}, **headers), 422, "invalid"
    )  # no longer replayed


def test_concurrent_repeats_create_one_object_per_key(owner, caller: Caller, size=8):
    def post(number: int) -> int:
        try:
            name = f"Number {number % size}"
            response = caller.post("workspaces/", {"name": name}, **{"Idempotency-Key": name})
            return int(response.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        codes = set(threads.map(post, range(10 * size)))
    assert codes <= {201, 409}
    with tenant_scope(owner.tenant_id):
        assert Workspace.objects.filter(name__startswith="Number").count() == size


def test_outdated_etag_is_refused(caller: Caller):
    path = f"workspaces/{caller.post('workspaces/', {'name': 'One'}).json()['id']}/"
    etag = caller.get(path)["ETag"]
    changed = caller("patch", path, {"description": "x"}, **{"If-Match": etag})
    assert changed.status_code == 200 and changed["ETag"] != etag
    assert_problem(
        caller("patch", path, {"description": "y"}, **{"If-Match": etag}), 412, "precondition_failed"
    )
    assert_problem(caller("delete", path, None, **{"If-Match": etag}), 412, "precondition_failed")
    assert_problem(caller("delete", path, None, **{"If-Match": "nonsense"}), 412, "precondition_failed")
    from_a_proxy = f'"other", W/{changed["ETag"]}'
    assert caller("delete", path, None, **{"If-Match": from_a_proxy}).status_code == 204


def test_condition_that_cannot_be_compared_is_refused(caller: Caller):
    body, condition = {"name": "One"}, {"If-Match": '"any"'}
    problem = assert_problem(caller.post("workspaces/", body, **condition), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == ["If-Match"]
    assert_problem(caller("post", "documents/upload/", None, **condition), 422, "invalid")


def test_unknown_addresses_of_the_api_are_problems(caller: Caller, client: Client):
    assert_problem(client.get("/api"), 404, "not_found")
    assert client.get("/v1").json()["error"]["code"] == "not_found"


def test_choices_of_a_filter_are_named(caller: Caller):
    for name in ("processed_status", "processed_status__in"):
        problem = assert_problem(caller.get(f"documents/?{name}=nope"), 422, "invalid")
        (error,) = problem["errors"]
        assert error["field"] == name and "pending, processing, done, error" in error["detail"]


def test_next_page_starts_where_the_last_ended(caller: Caller):
    names = {f"Number {number}" for number in range(5)}
    for name in names:
        caller.post("workspaces/", {"name": name})
    assert names_on(follow_pages(caller, "workspaces/?limit=2&ordering=name", "next")) == sorted(names)


def follow_pages(caller: Caller, path: str, direction: str) -> list[dict[str, Any]]:
    """The pages from this one on; `direction` is "next" or "previous"."""
    pages = []
    while path:
        pages.append(caller.get(path).json())
        path = (pages[-1][direction] or "").partition("/api/v1/")[2]
    return pages


def names_on(pages: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for page in pages for row in page["results"]]


@pytest.mark.parametrize("ordering", ["", "&ordering=-created_at,name", "&ordering=created_at"])
def test_rows_with_equal_timestamps_are_each_on_one_page(owner, caller: Caller, ordering):
    """As when one statement wrote them."""
    names = [f"Number {number:04}" for number in range(1100)]
    with tenant_scope(owner.tenant_id):
        Workspace.objects.bulk_create(Workspace(name=name) for name in names)
        Workspace.objects.update(created_at=timezone.now())
    forwards = follow_pages(caller, f"workspaces/?limit=200{ordering}", "next")
    assert sorted(names_on(forwards)) == names
    backwards = follow_pages(
        caller, f"workspaces/?limit=200{ordering}&cursor={Cursor(backwards=True)}", "previous"
    )
    assert names_on(backwards[::-1]) == names_on(forwards)
    assert forwards[0]["previous"] is backwards[0]["next"] is None


def test_emptied_page_links_to_the_previous_page(owner, caller: Caller):
    for number in range(4):
        caller.post("workspaces/", {"name": f"Number {number}"})
    first = caller.get("workspaces/?limit=2&ordering=name").json()
    with tenant_scope(owner.tenant_id):
        Workspace.objects.filter(name__gt="Number 1").delete()
    empty, *before = follow_pages(caller, first["next"].partition("/api/v1/")[2], "previous")
    assert (empty["results"], empty["next"]) == ([], None)
    assert names_on(before) == ["Number 0", "Number 1"]


@pytest.mark.parametrize(
    "query",
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
def test_invalid_list_parameters_are_refused(caller: Caller, query):
    caller.post("workspaces/", {"name": "One"})
    errors = assert_problem(caller.get(f"workspaces/?{query}"), 422, "invalid")["errors"]
    assert [error["field"] for error in errors] == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("time", "status"), [("2026-01-01T00:00:00%2B20:36", 200), ("0001-01-01T00:00:00%2B01:00", 422)]
)
def test_time_filters_accept_any_offset_in_range(caller: Caller, time, status):
    assert caller.get(f"audit-logs/?created_at__gte={time}").status_code == status


def test_boolean_filter_refuses_other_values(caller: Caller):
    assert caller.get("tags/?inherited=true").status_code == 200
    assert_problem(caller.get("tags/?inherited=maybe"), 422, "invalid")


def test_errors_are_problems_whatever_is_accepted(caller: Caller):
    for name, accepted in {"content": "application/octet-stream", "events": "text/event-stream"}.items():
        assert_problem(caller.get(f"documents/{uuid4()}/{name}/", Accept=accepted), 404, "not_found")


def test_values_of_another_type_are_not_converted(caller: Caller):
    for path, body, field in (
        ("workspaces/", {"name": 1}, "name"),
        ("search/", {"query": "x", "explain": "no"}, "explain"),
        ("search/", {"query": "x", "limit": "5"}, "limit"),
        ("documents/delete/", {"ids": [7]}, "ids"),
        ("workspaces/", {"name": "a" + 255 * " "}, "name"),
    ):
        errors = assert_problem(caller.post(path, body), 422, "invalid")["errors"]
        assert [error["field"] for error in errors] == [field]


def test_knowledge_base_names_are_unique_and_may_be_long(caller: Caller):
    workspace = caller.post("workspaces/", {"name": "One"}).json()["id"]
    assistant = caller.post("assistants/", {"workspace": workspace, "name": "a" * 255}).json()["id"]
    body = {"assistant": assistant, "name": "b" * 255}
    assert caller.post("knowledge-bases/", body).status_code == 201
    assert "name" in str(assert_problem(caller.post("knowledge-bases/", body), 422, "invalid")["errors"])


def test_patched_knowledge_base_shows_its_new_references(caller: Caller):
    workspace = caller.post("workspaces/", {"name": "One"}).json()["id"]
    assistant = caller.post("assistants/", {"workspace": workspace, "name": "a"}).json()["id"]
    ids = [caller.post("references/", {"workspace": workspace, "name": name}).json()["id"] for name in "ab"]
    body = {"assistant": assistant, "name": "b", "references": ids[:1]}
    base = caller.post("knowledge-bases/", body).json()
    assert base["references"] == ids[:1]
    path = f"knowledge-bases/{base['id']}/"
    assert caller("patch", path, {"references": ids[1:]}).json()["references"] == ids[1:]


def test_fixed_fields_cannot_change_but_may_be_repeated(caller: Caller):
    first, second = (caller.post("workspaces/", {"name": name}).json()["id"] for name in "ab")
    assistant = caller.post("assistants/", {"workspace": first, "name": "x"}).json()
    path = f"assistants/{assistant['id']}/"
    errors = assert_problem(caller("patch", path, {"workspace": second}), 422, "invalid")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("workspace", "fixed")]
    assert caller("patch", path, assistant).status_code == 200


def test_unknown_search_fields_are_refused(caller: Caller):
    for body in ({"query": "x", "filter": {}}, {"query": "x", "filters": {"tags": ["secret"]}}):
        errors = assert_problem(caller.post("search/", body), 422, "invalid")["errors"]
        assert [error["code"] for error in errors] == ["unknown"]


def test_document_lifecycle(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    (tmp_path / "bees.md").write_text(BEES)

    def upload():
        with (tmp_path / "bees.md").open("rb") as part:
            return caller.upload(
                reference=str(library.reference.pk), files=part, tags=["insects"], metadata='{"year": 2026}'
            )

    response = upload()
    assert response.status_code == 202, response.content
    (result,) = response.json()["results"]
    assert (result["outcome"], result["duplicate_of"]) == ("added", None)
    library.work()
    (repeated,) = upload().json()["results"]
    assert repeated == {**result, "outcome": "unchanged", "processed_status": "done"}
    path = f"documents/{result['id']}/"
    assert caller.get(path).json()["processed_status"] == "done"
    assert "dance" in caller.get(path + "text/").json()["text"]
    original = caller.get(path + "content/")
    assert b"".join(original.streaming_content) == BEES.encode()
    assert original["Content-Disposition"].startswith("attachment")
    (hit,) = caller.post(
        "search/", {"query": "where are the flowers", "filters": {"tags_any": ["insects"]}, "explain": True}
    ).json()["results"]
    assert hit["document_id"] == result["id"] and set(hit["scores"]) <= {"dense", "sparse"}
    assert caller.get(f"chunks/?document={result['id']}").json()["results"][0]["id"] == hit["chunk_id"]
    assert caller.post("documents/untag/", {"ids": [result["id"]], "tags": ["insects"]}).json() == {
        "count": 1
    }
    assert caller.post("documents/delete/", {"ids": [result["id"], str(uuid4())]}).json() == {"count": 1}
    assert caller.get(path).status_code == 404
    with tenant_scope(owner.tenant_id):
        assert Document.objects.count() == 0


def test_upload_reports_duplicates(owner, caller: Caller, tmp_path):
    library = make_library(owner, tmp_path)
    results = []
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text(BEES)
        with (tmp_path / name).open("rb") as part:
            results += caller.upload(reference=str(library.reference.pk), files=part).json()["results"]
    assert results[1]["duplicate_of"] == results[0]["id"]


def field_errors(answer: Any) -> list[tuple[str, str]]:
    return [(one["field"], one["code"]) for one in assert_problem(answer, 422, "invalid")["errors"]]


def test_errors_name_the_field_and_what_is_known(caller: Caller):
    """A client that gets or creates an object needs no English."""
    assert caller.post("workspaces/", {"name": "One"}).status_code == 201
    assert field_errors(caller.post("workspaces/", {"name": "One"})) == [("name", "taken")]
    assert field_errors(caller.post("workspaces/", {"name": "x", "id": str(uuid4())})) == [
        ("id", "read_only")
    ]
    made = caller.post("workspaces/", {"name": "Two"}).json()
    path = f"workspaces/{made['id']}/"
    assert caller("patch", path, {**made, "name": "Three"}).status_code == 200
    assert caller("patch", path, {**made, "name": "Four"}).json()["name"] == "Four"
    changed = caller("patch", path, {"id": str(uuid4()), "created_at": "2020-01-01T00:00:00Z"})
    assert sorted(field_errors(changed)) == [("created_at", "read_only"), ("id", "read_only")]
    unknown = caller.post("workspaces/", {"names": "x"})
    assert field_errors(unknown) == [("names", "unknown")]
    assert "description, name" in unknown.json()["errors"][0]["detail"]


def test_cursor_of_another_list_or_ordering_is_refused(caller: Caller):
    for name in ("a", "b"):
        caller.post("workspaces/", {"name": name})
    cursor = caller.get("workspaces/?limit=1").json()["next_cursor"]
    assert caller.get(f"workspaces/?limit=1&cursor={cursor}").status_code == 200
    for path in ("references/?limit=1", "workspaces/?limit=1&ordering=name"):
        assert field_errors(caller.get(f"{path}&cursor={cursor}")) == [("cursor", "invalid")]


def test_key_that_may_write_makes_one_that_reads(owner, caller: Caller):
    writing = make_caller(owner, scopes=["organisation:write"])
    assert writing.post("api-keys/", {"name": "x", "scopes": ["organisation:read"]}).status_code == 201
    assert writing.post("api-keys/", {"name": "x", "scopes": ["knowledge:read"]}).status_code == 403


def test_document_that_is_not_in_error_is_not_retried(owner, caller: Caller, tmp_path):
    document = make_library(owner, tmp_path).add("bees.md", BEES)
    assert_problem(caller.post(f"documents/{document.pk}/retry/", {}), 409, "document_not_failed")


def test_tags_as_a_list_in_json_are_refused(owner, caller: Caller, tmp_path):
    reference = make_library(owner, tmp_path).reference
    file = SimpleUploadedFile("bees.md", BEES.encode())
    answer = caller.upload(reference=reference.pk, files=file, tags='["a", "b"]')
    assert field_errors(answer) == [("tags", "invalid")]
    file.seek(0)
    (uploaded,) = caller.upload(reference=reference.pk, files=file, tags=["a", "b"]).json()["results"]
    assert uploaded["processed_status"] == "pending"
