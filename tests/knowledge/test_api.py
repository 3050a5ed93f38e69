"""Documents over REST, for members, strangers and anonymous clients."""

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


def test_foreign_id_looks_like_an_absent_one(library: Library, stranger: Person) -> None:
    document = library.add("bees.md", BEES)
    assert stranger.client.get("/api/v1/documents/").json()["results"] == []
    foreign = stranger.client.get(f"/api/v1/documents/{document.pk}/")
    absent = stranger.client.get(f"/api/v1/documents/{uuid4()}/")
    assert without_request_id(foreign) == without_request_id(absent)
    assert foreign.status_code == 404
    assert foreign["Content-Type"] == "application/problem+json"


def without_request_id(response):
    return response.status_code, {**response.json(), "request_id": ""}


def test_anonymous_request_is_refused(database: None) -> None:
    response = Client().get("/api/v1/documents/")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_undeclared_method_is_not_allowed(library: Library) -> None:
    response = library.person.client.put("/api/v1/documents/", {"filename": "x"})
    assert response.status_code == 405
