"""`?expand=`: objects that others refer to, in the same answer, and only those that the caller may read."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.api.expansion import expandable
from oyl.openapi import document
from oyl.routes import ROUTES
from tests.conftest import Person
from tests.knowledge.libraries import BEES, Library, make_library
from tests.support.api_client import assert_problem, make_caller


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    library = make_library(owner, tmp_path)
    library.queue(library.upload("bees.md", BEES), library.upload("more.md", BEES * 2))
    return library


def test_lists_and_objects_have_what_was_asked_for(library: Library):
    caller = make_caller(library.person)
    reference = caller.get(f"references/{library.reference.pk}/").json()
    page = caller.get("documents/?expand=reference").json()["results"]
    assert [one["expanded"] for one in page] == [{"reference": reference}] * 2
    assert all(one["reference"] == reference["id"] for one in page)
    path = f"documents/{page[0]['id']}/"
    answer = caller.get(f"{path}?expand=reference,container")
    assert answer.json()["expanded"] == {"reference": reference, "container": None}
    assert "ETag" not in answer
    assert "expanded" not in caller.get(path).json()
    assert (
        caller.get("references/?expand=workspace").json()["results"][0]["expanded"]["workspace"]["name"]
        == "Main"
    )


def test_list_parameters_are_given_either_way(library: Library):
    """Every list parameter of the document: several values in one, or one parameter for each value."""
    caller, address = make_caller(library.person), "documents/"
    first, other = library.reference.pk, uuid4()
    one_document, another = (row["id"] for row in caller.get("documents/").json()["results"])
    values = {
        "id__in": (one_document, another),
        "expand": ("reference", "container"),
        "ordering": ("-filename", "created_at"),
        "processed_status__in": ("done", "pending"),
        "reference__in": (first, other),
    }
    described = {
        parameter["name"]
        for operations in document()["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["schema"].get("type") == "array"
    }
    assert described == {*values}
    for name, (one, two) in values.items():
        joined = caller.get(f"{address}?{name}={one},{two}&limit=1").json()
        repeated = caller.get(f"{address}?{name}={one}&{name}={two}&limit=1").json()
        assert joined["results"] == repeated["results"] and len(joined["results"]) == 1, name
        following = caller.get(repeated["next"].partition("/api/v1/")[2]).json()
        assert len(following["results"]) == 1 and following["results"] != joined["results"], name
        assert_problem(caller.get(f"{address}?{name}={one}&{name}="), 422, "invalid")
    path = f"{address}{joined['results'][0]['id']}/?expand=reference&expand=container"
    assert set(caller.get(path).json()["expanded"]) == {"reference", "container"}
    assert_problem(caller.get(f"{address}?filename=a&filename=b"), 422, "invalid")


def test_what_cannot_be_expanded_is_named(library: Library):
    caller = make_caller(library.person)
    problem = assert_problem(caller.get("documents/?expand=owner"), 422, "invalid")
    assert "reference" in problem["errors"][0]["detail"]
    assert_problem(caller.get("workspaces/?expand=tenant"), 422, "invalid")
    assert_problem(caller.get("documents/changes/?expand=reference"), 422, "invalid")


def test_only_what_the_key_may_read_is_expanded(library: Library):
    narrow = make_caller(library.person, scopes=["knowledge:read"])
    assert narrow.get("documents/?expand=reference").status_code == 200
    assert_problem(narrow.get("references/?expand=workspace"), 403, "scope_missing")
    bound = make_caller(library.person, bound=("reference", library.reference.pk))
    assert_problem(bound.get("references/?expand=workspace"), 403, "key_bound")


def test_one_statement_for_each_field(library: Library):
    caller = make_caller(library.person)
    caller.get("documents/")

    def statements(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            caller.get(path)
        return len(queries)

    assert statements("documents/?expand=reference") == statements("documents/") + 1


def test_readings_that_are_recorded_cannot_be_bypassed():
    models = {kind.model.__name__ for view in ROUTES.values() for kind in expandable(view).values()}
    assert {"Reference", "Workspace", "Document"} <= models
    assert not models & {"Chunk", "Membership", "AuditLog"}
