"""Limits of request bodies: size, depth, and values that cannot be stored."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.api.parsers import MAX_DEPTH, MAX_VALUES
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.knowledge.libraries import BEES, RIVERS, make_library
from tests.support.api_client import Caller, assert_problem

DEEP_BODIES = {"lists": "[" * 100_000, "closed lists": "[" * 900 + "]" * 900, "objects": '{"a":' * 100_000}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"inner": value}
    return value


@pytest.mark.parametrize("body", DEEP_BODIES.values(), ids=DEEP_BODIES.keys())
def test_deeply_nested_body_is_refused_quickly(caller: Caller, body):
    started = time.process_time()
    assert_problem(caller.post("workspaces/", body), 400, "too_deep")
    assert time.process_time() - started < 1


def test_body_of_maximum_depth_is_accepted(caller: Caller):
    def search(levels: int) -> Any:
        return caller.post("search/", {"query": "bees", "filters": {"metadata": nested(levels)}})

    assert search(MAX_DEPTH - 2).json()["code"] != "too_deep"
    assert_problem(search(MAX_DEPTH - 1), 400, "too_deep")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 2**63, float("1e308") * 10])
def test_unstorable_values_are_refused(caller: Caller, name):
    text = json.dumps({"name": "x", "settings_json": {"deep": [name]}}).replace("Infinity", "1e999")
    assert_problem(caller.post("assistants/", text), 400, "unusable_value")


@pytest.mark.parametrize("text", ["9" * 5000, '{"name": NaN}', '{"name": "x"', b'{"name": "\xff"}', ""])
def test_invalid_json_is_refused(caller: Caller, text):
    response = caller.post("workspaces/", text)
    assert response.status_code in (400, 422)
    assert_problem(
        response, response.status_code, "invalid" if response.status_code == 422 else "parse_error"
    )


def test_body_size_and_value_count_are_limited(caller: Caller, settings):
    max_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert_problem(caller.post("workspaces/", json.dumps({"name": "x" * max_bytes})), 413, "too_large")
    assert caller.post("workspaces/", json.dumps({"name": "x" * (max_bytes - 20)})).status_code == 422
    assert_problem(caller.post("search/", {"query": "x", "ids": [0] * MAX_VALUES}), 413, "too_large")


def upload(caller: Caller, library, **fields):
    return caller.upload(reference=str(library.reference.pk), **fields)


def file(name: str, content: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode())


@pytest.fixture
def library(owner, tmp_path):
    return make_library(owner, tmp_path)


def test_multipart_forms_are_limited(caller: Caller, library, settings):
    parts = {f"field{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)}
    assert_problem(upload(caller, library, **parts), 413, "too_large")
    files = [file(f"{number}.txt", "x") for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)]
    assert_problem(upload(caller, library, files=files), 413, "too_large")
    metadata = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert_problem(upload(caller, library, files=file("a.txt", "x"), metadata=metadata), 413, "too_large")


@pytest.mark.parametrize("metadata", ["[" * 100_000, '{"a": "\\u0000"}', "[]", "9" * 5000, '{"a": 1e999}'])
def test_form_metadata_is_validated_like_json(caller: Caller, library, metadata):
    response = upload(caller, library, files=file("a.txt", "x"), metadata=metadata)
    assert [error["field"] for error in assert_problem(response, 422, "invalid")["errors"]] == ["metadata"]


def test_sidecar_adds_to_common_metadata_and_tags(owner, caller: Caller, library):
    sidecar = file("bees.md.meta.json", '{"metadata": {"year": 1927}, "tags": ["insects"]}')
    files = [file("bees.md", BEES), sidecar, file("rivers.md", RIVERS)]
    response = upload(caller, library, files=files, metadata='{"year": 2026, "by": "Ada"}', tags=["nature"])
    assert [result["external_id"] for result in response.json()["results"]] == ["bees.md", "rivers.md"]
    with tenant_scope(owner.tenant_id):
        documents = {document.filename: document for document in Document.objects.all()}
        tags = {
            name: {link.tag.tag for link in document.document_tags.all()}
            for name, document in documents.items()
        }
    assert {name: document.metadata_json for name, document in documents.items()} == {
        "bees.md": {"year": 1927, "by": "Ada"},
        "rivers.md": {"year": 2026, "by": "Ada"},
    }
    assert tags == {"bees.md": {"nature", "insects"}, "rivers.md": {"nature"}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rivers.md.meta.json", "{}", "'rivers.md', which is not sent"),
        ("bees.md.meta.json", "[" * 100_000, "not JSON"),
        ("bees.md.meta.json", "[]", '"metadata"'),
        ("bees.md.meta.json", '{"metadata": {"a": "\\u0000"}}', "NUL"),
        ("bees.md.meta.json", " " * (1 << 21), "larger than"),
    ],
)
def test_invalid_sidecar_is_refused(owner, caller: Caller, library, name, text, message):
    response = upload(caller, library, files=[file("bees.md", BEES), file(name, text)])
    assert message in assert_problem(response, 422, "upload_invalid")["detail"]
    with tenant_scope(owner.tenant_id):
        assert not Document.objects.exists()


def test_internal_error_does_not_reveal_its_cause(owner, caller: Caller, library, settings):
    """The error is that a folder is where the original should be."""
    document = library.add("bees.md", BEES)
    stored = settings.LAYOUT.files / document.file_path
    stored.unlink()
    stored.mkdir()
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"}, raise_request_exception=False)
    body = assert_problem(client.get(f"/api/v1/documents/{document.pk}/content/"), 500, "internal_error")
    assert str(settings.LAYOUT.files) not in str(body)
