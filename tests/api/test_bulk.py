"""Many documents at once, by their ids or by a filter."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from core.isolation.scope import tenant_scope
from knowledge.api import bulk
from knowledge.models import Document, DocumentTag, Reference
from tests.api.conftest import Caller, key_of
from tests.api.test_manners import problem
from tests.knowledge.libraries import BEES, RIVERS, make_library

ACTIONS = {"tag": {"tags": ["new"]}, "untag": {"tags": ["new"]}, "delete": {}, "reindex": {}}


@pytest.fixture
def library(owner, tmp_path):
    library = make_library(owner, tmp_path)
    texts = (BEES, BEES, RIVERS)
    library.queue(*(library.upload(f"{number}.md", text) for number, text in enumerate(texts)))
    return library


def in_bulk(caller: Caller, action: str, **chosen):
    return caller.post(f"documents/{action}/", {**chosen, **ACTIONS[action]})


def names(library) -> set[str]:
    with tenant_scope(library.tenant_id):
        return set(Document.objects.values_list("filename", flat=True))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_filter_chooses_what_the_list_would_show(caller: Caller, library, monkeypatch, action):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    if action == "reindex":
        library.work()
    digest = library.documents()["0.md"].sha256
    shown = len(caller.get(f"documents/?sha256={digest}").json()["results"])
    if action == "untag":
        in_bulk(caller, "tag", filter={"sha256": digest})
    assert in_bulk(caller, action, filter={"sha256": digest}).json() == {"count": shown}
    assert shown == 2
    if action == "delete":
        assert names(library) == {"2.md"}
    with tenant_scope(library.tenant_id):
        tagged = set(DocumentTag.objects.filter(tag__tag="new").values_list("document__filename", flat=True))
    assert tagged == ({"0.md", "1.md"} if action == "tag" else set())


NOTHING: list[tuple[dict[str, Any], str]] = [
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
def test_what_chooses_nothing_in_particular_is_refused(caller: Caller, library, action):
    for chosen, field in NOTHING:
        errors = problem(in_bulk(caller, action, **chosen), 422, "invalid")["errors"]
        assert [error["field"] for error in errors] == [field], chosen
    assert len(names(library)) == 3


def test_too_many_are_refused(caller: Caller, library, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    chosen = {"filter": {"reference": str(library.reference.pk)}}
    errors = problem(in_bulk(caller, "delete", **chosen), 422, "invalid")["errors"]
    assert [error["code"] for error in errors] == ["too_many"] and len(names(library)) == 3


def test_a_filter_reaches_no_further_than_the_key(owner, stranger, library, caller: Caller):
    filtered = {"filter": {"created_at__gte": "2020-01-01T00:00:00Z"}}
    with tenant_scope(owner.tenant_id):
        other = Reference.objects.create(workspace_id=library.reference.workspace_id, name="Other")
    bound = key_of(owner, bound=("reference", other.pk))
    for somebody in (key_of(stranger), bound):
        assert in_bulk(somebody, "delete", **filtered).json() == {"count": 0}
    assert in_bulk(caller, "delete", **filtered).json() == {"count": 3}
