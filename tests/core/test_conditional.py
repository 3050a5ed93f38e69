"""Conditional requests, and parts of files and texts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Document
from tests.conftest import Person, make_member, make_owner
from tests.knowledge.libraries import BEES, Library, make_library
from tests.support.api_client import Caller, assert_problem, make_caller

CONTENT = BEES.encode()


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def caller(owner: Person) -> Caller:
    return make_caller(owner)


@pytest.fixture(scope="module")
def library(owner: Person, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(owner, tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def document(library: Library) -> Document:
    """Which no test changes."""
    return library.add("bees.md", BEES)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("0-3", 0, 4), ("5-", 5, None), ("-7", -7, None), ("3-99999", 3, None), ("-99999", 0, None)],
)
@pytest.mark.parametrize("path", ["content/", "text/"])
def test_part_is_sent(
    caller: Caller, document: Document, path: str, wanted: str, first: int, last: int | None
):
    headers = {"Range": f"bytes={wanted}", "Accept": "text/plain" if path == "text/" else "*/*"}
    whole = body(caller.get(f"documents/{document.pk}/{path}", Accept=headers["Accept"]))
    answer = caller.get(f"documents/{document.pk}/{path}", **headers)
    part = body(answer)
    assert (answer.status_code, part) == (206, whole[first:last])
    start = first % len(whole)
    assert answer["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
    assert answer["Content-Length"] == str(len(part))


@pytest.mark.parametrize("wanted", ["bytes=3-1", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x-"])
def test_other_ranges_are_ignored(caller: Caller, document: Document, wanted: str):
    answer = caller.get(f"documents/{document.pk}/content/", Range=wanted)
    assert (answer.status_code, body(answer)) == (200, CONTENT)
    assert answer["Accept-Ranges"] == "bytes" and "Content-Range" not in answer


@pytest.mark.parametrize("wanted", ["bytes=99999-", "bytes=-0"])
def test_absent_bytes_are_a_problem(caller: Caller, document: Document, wanted: str):
    answer = caller.get(f"documents/{document.pk}/content/", Range=wanted)
    assert_problem(answer, 416, "range_not_satisfiable")
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_part_of_a_replaced_file_is_not_mixed_with_the_old_one(caller: Caller, library: Library):
    document = library.add("changing.md", BEES)
    path = f"documents/{document.pk}/content/"
    whole = caller.get(path)
    etag, _ = whole["ETag"], body(whole)
    resumed = caller.get(path, **{"Range": "bytes=5-", "If-Range": etag})
    assert (resumed.status_code, body(resumed)) == (206, CONTENT[5:])
    library.add("changing.md", "Something else.")
    anew = caller.get(path, **{"Range": "bytes=5-", "If-Range": etag})
    assert (anew.status_code, body(anew)) == (200, b"Something else.")


@pytest.mark.parametrize("path", ["", "content/", "text/"])
def test_unchanged_object_is_not_sent_again(caller: Caller, owner: Person, document: Document, path: str):
    address = f"documents/{document.pk}/{path}"
    whole = caller.get(address)
    etag, _ = whole["ETag"], body(whole)
    with tenant_scope(owner.tenant_id):
        downloads = AuditLog.objects.filter(action="document.downloaded").count()
    for known in (etag, f'"other", W/{etag}', "*"):
        answer = caller.get(address, **{"If-None-Match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    with tenant_scope(owner.tenant_id):
        assert AuditLog.objects.filter(action="document.downloaded").count() == downloads
    changed = caller.get(address, **{"If-None-Match": '"other"'})
    assert (changed.status_code, bool(body(changed))) == (200, True)


def test_unchanged_object_is_not_confirmed_to_others(document: Document, stranger: Person, owner: Person):
    for caller in (
        make_caller(stranger),
        make_caller(make_member(owner.tenant_id, Role.ADMIN), scopes=["audit:read"]),
    ):
        for path in ("", "content/", "text/"):
            answer = caller.get(f"documents/{document.pk}/{path}", **{"If-None-Match": "*"})
            assert answer.status_code in (403, 404)


def test_if_match_guards_actions(caller: Caller, library: Library):
    document = library.add("indexed.md", BEES)
    path = f"documents/{document.pk}/"
    etag = caller.get(path)["ETag"]
    assert_problem(caller.post(f"{path}reindex/", {}, **{"If-Match": '"old"'}), 412, "precondition_failed")
    assert caller.post(f"{path}reindex/", {}, **{"If-Match": etag}).status_code == 202
    assert_problem(caller.post(f"{path}reindex/", {}, **{"If-Match": etag}), 412, "precondition_failed")


def test_part_of_a_file_for_openai_clients(caller: Caller, document: Document):
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}", "Range": "bytes=0-3"})
    answer = client.get(f"/v1/files/file-{document.pk.hex}/content")
    assert (answer.status_code, body(answer)) == (206, CONTENT[:4])
