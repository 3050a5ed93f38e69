"""What a request may send: how much, how deep, and what nobody could keep."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.api.parsers import DEEPEST, MOST_VALUES
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.api.conftest import Caller
from tests.api.test_manners import problem
from tests.knowledge.libraries import BEES, RIVERS, make_library

DEEP = {"lists": "[" * 100_000, "closed lists": "[" * 900 + "]" * 900, "objects": '{"a":' * 100_000}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"inner": value}
    return value


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP.keys())
def test_deeply_nested_bodies_are_refused_at_once(caller: Caller, body):
    started = time.process_time()
    problem(caller.post("workspaces/", body), 400, "too_deep")
    assert time.process_time() - started < 1


def test_what_is_just_deep_enough_is_taken(caller: Caller):
    def search(levels: int) -> Any:
        return caller.post("search/", {"query": "bees", "filters": {"metadata": nested(levels)}})

    assert search(DEEPEST - 2).json()["code"] != "too_deep"
    problem(search(DEEPEST - 1), 400, "too_deep")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 2**63, float("1e308") * 10])
def test_what_cannot_be_kept_is_refused(caller: Caller, name):
    text = json.dumps({"name": "x", "settings_json": {"deep": [name]}}).replace("Infinity", "1e999")
    problem(caller.post("assistants/", text), 400, "unusable_value")


@pytest.mark.parametrize("text", ["9" * 5000, '{"name": NaN}', '{"name": "x"', b'{"name": "\xff"}', ""])
def test_what_is_no_json_is_told_so(caller: Caller, text):
    answer = caller.post("workspaces/", text)
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code, "invalid" if answer.status_code == 422 else "parse_error")


def test_a_body_may_be_so_large_and_have_so_many_values(caller: Caller, settings):
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    problem(caller.post("workspaces/", json.dumps({"name": "x" * most})), 413, "too_large")
    assert caller.post("workspaces/", json.dumps({"name": "x" * (most - 20)})).status_code == 422
    problem(caller.post("search/", {"query": "x", "ids": [0] * MOST_VALUES}), 413, "too_large")


def upload(caller: Caller, library, **fields):
    return caller.upload(reference=str(library.reference.pk), **fields)


def file(name: str, content: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode())


@pytest.fixture
def library(owner, tmp_path):
    return make_library(owner, tmp_path)


def test_forms_are_limited_too(caller: Caller, library, settings):
    parts = {f"field{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)}
    problem(upload(caller, library, **parts), 413, "too_large")
    many = [file(f"{number}.txt", "x") for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)]
    problem(upload(caller, library, files=many), 413, "too_large")
    long = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    problem(upload(caller, library, files=file("a.txt", "x"), metadata=long), 413, "too_large")


@pytest.mark.parametrize("metadata", ["[" * 100_000, '{"a": "\\u0000"}', "[]", "9" * 5000, '{"a": 1e999}'])
def test_metadata_in_a_form_is_held_to_the_same(caller: Caller, library, metadata):
    answer = upload(caller, library, files=file("a.txt", "x"), metadata=metadata)
    assert [error["field"] for error in problem(answer, 422, "invalid")["errors"]] == ["metadata"]


def test_a_file_has_its_own_metadata_and_tags_beside_those_of_all(owner, caller: Caller, library):
    sidecar = file("bees.md.meta.json", '{"metadata": {"year": 1927}, "tags": ["insects"]}')
    files = [file("bees.md", BEES), sidecar, file("rivers.md", RIVERS)]
    answer = upload(caller, library, files=files, metadata='{"year": 2026, "by": "Ada"}', tags=["nature"])
    assert [one["external_id"] for one in answer.json()["results"]] == ["bees.md", "rivers.md"]
    with tenant_scope(owner.tenant_id):
        found = {one.filename: one for one in Document.objects.all()}
        tags = {name: {link.tag.tag for link in one.document_tags.all()} for name, one in found.items()}
    assert {name: one.metadata_json for name, one in found.items()} == {
        "bees.md": {"year": 1927, "by": "Ada"},
        "rivers.md": {"year": 2026, "by": "Ada"},
    }
    assert tags == {"bees.md": {"nature", "insects"}, "rivers.md": {"nature"}}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("rivers.md.meta.json", "{}", "'rivers.md', which is not sent"),
        ("bees.md.meta.json", "[" * 100_000, "not JSON"),
        ("bees.md.meta.json", "[]", '"metadata"'),
        ("bees.md.meta.json", '{"metadata": {"a": "\\u0000"}}', "NUL"),
        ("bees.md.meta.json", " " * (1 << 21), "larger than"),
    ],
)
def test_a_sidecar_that_cannot_be_used_is_told_so(owner, caller: Caller, library, name, text, told):
    answer = upload(caller, library, files=[file("bees.md", BEES), file(name, text)])
    assert told in problem(answer, 422, "upload_invalid")["detail"]
    with tenant_scope(owner.tenant_id):
        assert not Document.objects.exists()


def test_what_fails_on_our_side_is_a_problem_without_its_cause(owner, caller: Caller, library, settings):
    """Here a folder lies where the original should be."""
    document = library.add("bees.md", BEES)
    stored = settings.LAYOUT.files / document.file_path
    stored.unlink()
    stored.mkdir()
    client = Client(headers={"Authorization": f"Bearer {caller.made.secret}"}, raise_request_exception=False)
    body = problem(client.get(f"/api/v1/documents/{document.pk}/content/"), 500, "internal_error")
    assert str(settings.LAYOUT.files) not in str(body)
