"""The first REST door, as each of the cast."""

from __future__ import annotations

from uuid import uuid4

from django.test import Client

from tests.conftest import Person
from tests.knowledge.libraries import BEES, Library


def test_members_read_their_documents(library: Library, viewer: Person) -> None:
    document = library.add("bees.md", BEES)
    (listed,) = viewer.client.get("/api/v1/documents/").json()["results"]
    assert listed == viewer.client.get(f"/api/v1/documents/{document.pk}/").json()
    assert (listed["filename"], listed["processed_status"]) == ("bees.md", "done")


def test_another_tenants_id_is_answered_as_an_absent_one(library: Library, stranger: Person) -> None:
    document = library.add("bees.md", BEES)
    assert stranger.client.get("/api/v1/documents/").json()["results"] == []
    foreign = stranger.client.get(f"/api/v1/documents/{document.pk}/")
    absent = stranger.client.get(f"/api/v1/documents/{uuid4()}/")
    assert told(foreign) == told(absent)
    assert foreign.status_code == 404
    assert foreign["Content-Type"] == "application/problem+json"


def told(answer):
    """All but the request's own id."""
    return answer.status_code, {**answer.json(), "request_id": ""}


def test_nobody_gets_in_without_signing_in(database: None) -> None:
    answer = Client().get("/api/v1/documents/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


def test_methods_that_no_role_is_declared_for_are_not_allowed(library: Library) -> None:
    answer = library.person.client.put("/api/v1/documents/", {"filename": "x"})
    assert answer.status_code == 405
