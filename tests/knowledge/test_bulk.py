"""Bulk requests: documents by their ids or by a filter."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from core.isolation.scope import tenant_scope
from knowledge.api import bulk
from knowledge.models import Document, DocumentTag, Reference
from tests.knowledge.libraries import BEES, RIVERS, make_library
from tests.support.api_client import Caller, assert_problem, make_caller

ACTIONS = {"tag": {"tags": ["new"]}, "untag": {"tags": ["new"]}, "delete": {}, "reindex": {}}


@pytest.fixture
def library(owner, tmp_path):
    library = make_library(owner, tmp_path)
    texts = (BEES, BEES, RIVERS)
    library.queue(*(library.upload(f"{number}.md", text) for number, text in enumerate(texts)))
    return library


def post_bulk(caller: Caller, action: str, **selection):
    return caller.post(f"documents/{action}/", {**selection, **ACTIONS[action]})


def names(library) -> set[str]:
    with tenant_scope(library.tenant_id):
        return set(Document.objects.values_list("filename", flat=True))


@pytest.mark.parametrize("action", ACTIONS)
def test_filter_selects_what_the_list_shows(caller: Caller, library, monkeypatch, action):
    monkeypatch.setattr(bulk, "BATCH_SIZE", 1)
    if action == "reindex":
        library.work()
    digest = library.documents()["0.md"].sha256
    listed = len(caller.get(f"documents/?sha256={digest}").json()["results"])
    if action == "untag":
        post_bulk(caller, "tag", filter={"sha256": digest})
    assert post_bulk(caller, action, filter={"sha256": digest}).json() == {"count": listed}
    assert listed == 2
    if action == "delete":
        assert names(library) == {"2.md"}
    with tenant_scope(library.tenant_id):
        tagged = set(DocumentTag.objects.filter(tag__tag="new").values_list("document__filename", flat=True))
    assert tagged == ({"0.md", "1.md"} if action == "tag" else set())


INVALID_SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"filter": {}}, "filter"),
    ({"ids": []}, "ids"),
    ({"ids": [str(uuid4())], "filter": {"filename": "0.md"}}, ""),
    ({"filter": {"colour": "red"}}, "filter.colour"),
    ({"filter": {"reference": "x"}}, "filter.reference"),
    ({"filter": {"filename": ""}}, "filter.filename"),
    ({"filter": {"filename": ["0.md"]}}, "filter.filename"),
    ({"filter": {"filename": None}}, "filter.filename"),
    ({"filter": {"created_at__gte": "yesterday"}}, "filter.created_at__gte"),
]


@pytest.mark.parametrize("action", ACTIONS)
def test_missing_or_invalid_selection_is_refused(caller: Caller, library, action):
    for selection, field in INVALID_SELECTIONS:
        errors = assert_problem(post_bulk(caller, action, **selection), 422, "invalid")["errors"]
        assert [error["field"] for error in errors] == [field], selection
    assert len(names(library)) == 3


def test_too_many_documents_are_refused(caller: Caller, library, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_DOCUMENTS", 2)
    selection = {"filter": {"reference": str(library.reference.pk)}}
    errors = assert_problem(post_bulk(caller, "delete", **selection), 422, "invalid")["errors"]
    assert [error["code"] for error in errors] == ["too_many"] and len(names(library)) == 3


def test_filter_is_limited_to_what_the_key_sees(owner, stranger, library, caller: Caller):
    selection = {"filter": {"created_at__gte": "2020-01-01T00:00:00Z"}}
    with tenant_scope(owner.tenant_id):
        other = Reference.objects.create(workspace_id=library.reference.workspace_id, name="Other")
    bound = make_caller(owner, bound=("reference", other.pk))
    for other_caller in (make_caller(stranger), bound):
        assert post_bulk(other_caller, "delete", **selection).json() == {"count": 0}
    assert post_bulk(caller, "delete", **selection).json() == {"count": 3}
