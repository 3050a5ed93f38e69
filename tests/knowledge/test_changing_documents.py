"""Documents as things one can work with over REST: changed, moved, and listed by what people know them by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.models import Document, Reference
from knowledge.services.references import get_or_create_reference
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library


def patch(person: Person, document: Document, **changes: Any) -> Any:
    path = f"/api/v1/documents/{document.pk}/"
    return person.client.patch(path, changes, content_type="application/json")


def hits(library: Library, query: str = "bees", **filters: Any) -> list[dict[str, Any]]:
    body = {"query": query, "min_score": 0, "filters": filters}
    answer = library.person.client.post("/api/v1/search/", body, content_type="application/json")
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def other_reference(library: Library, workspace: str = "Main") -> Reference:
    return get_or_create_reference(actor=library.person.actor, workspace=workspace, reference="Other")


def test_metadata_are_merged_replaced_and_emptied(library: Library) -> None:
    document = library.add("bees.md", BEES, metadata={"year": 2025, "draft": True, "authors": ["Ada"]})
    merged = patch(library.person, document, merge_metadata={"year": 2026, "draft": None}).json()
    assert merged["metadata_json"] == {"year": 2026, "authors": ["Ada"]}
    assert merged["processed_status"] == "pending"
    library.work()
    (hit,) = hits(library, metadata={"year": 2026})
    assert (hit["metadata"], hit["external_id"]) == ({"year": 2026, "authors": ["Ada"]}, "bees.md")
    assert hit["mime_type"] == "text/markdown"
    assert patch(library.person, document, metadata={"x": 1}).json()["metadata_json"] == {"x": 1}
    assert patch(library.person, document, metadata={}).json()["metadata_json"] == {}
    library.work()
    assert hits(library, metadata={"year": 2026}) == []


def test_renamed_document_is_found_by_its_new_name(library: Library) -> None:
    document = library.add("a1.md", BEES)
    assert patch(library.person, document, filename="zebra-report.md").json()["filename"] == "zebra-report.md"
    library.work()
    assert [hit["filename"] for hit in hits(library, "filename:zebra")] == ["zebra-report.md"]
    assert library.document(document.pk).external_id == "a1.md", "it is still the same file of its source"


def test_tags_are_replaced_at_once(library: Library) -> None:
    document = library.add("bees.md", BEES, tags=("old", "kept"))
    changed = patch(library.person, document, tags=["kept", "new"]).json()
    assert [one["tag"] for one in changed["tags"]] == ["kept", "new"]
    assert [bool(hits(library, tags_any=[name])) for name in ("old", "kept", "new")] == [False, True, True]
    assert patch(library.person, document, tags=[]).json()["tags"] == []


def test_moved_document_is_found_in_its_new_place_only(library: Library) -> None:
    document, other = library.add("bees.md", BEES, tags=("insects",)), other_reference(library)
    answer = patch(library.person, document, reference=str(other.pk))
    assert (answer.status_code, answer.json()["reference"]) == (200, str(other.pk))
    assert hits(library) == [], "until its passages have been made anew"
    library.work()
    assert hits(library, references=[str(library.reference.pk)]) == []
    (hit,) = hits(library, references=[str(other.pk)], tags_all=["insects"])
    assert (hit["document_id"], hit["reference_id"]) == (str(document.pk), str(other.pk))
    assert len(library.points(document)) == 1, "no old point is left"


def test_moves_that_would_lose_something_are_refused(library: Library, foreign_library: Library) -> None:
    document = library.add("bees.md", BEES)
    elsewhere = other_reference(library, workspace="Second")
    refused = patch(library.person, document, reference=str(elsewhere.pk))
    assert (refused.status_code, refused.json()["code"]) == (409, "document_not_movable")
    other = other_reference(library)
    library.person.client.post(
        "/api/v1/documents/upload/", {"reference": str(other.pk), "files": _file("bees.md")}
    )
    assert "already" in patch(library.person, document, reference=str(other.pk)).json()["detail"]
    foreign = patch(library.person, document, reference=str(foreign_library.reference.pk))
    assert foreign.status_code == 422
    assert patch(foreign_library.person, document, filename="mine").status_code == 404
    assert library.document(document.pk).reference_id == library.reference.pk


def test_change_of_an_outdated_document_is_refused(library: Library, viewer: Person) -> None:
    document, path = library.add("bees.md", BEES), "/api/v1/documents/{}/"
    seen = library.person.client.get(path.format(document.pk))["ETag"]
    assert patch(library.person, document, filename="first.md").status_code == 200
    late = library.person.client.patch(
        path.format(document.pk),
        {"filename": "x"},
        content_type="application/json",
        headers={"If-Match": seen},
    )
    assert late.status_code == 412
    assert patch(viewer, document, filename="x").status_code == 403
    assert patch(library.person, document, name="x").json()["errors"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"search": "BEE"}, {"bees.md"}),
        ({"filename__icontains": "IVER"}, {"rivers.md"}),
        ({"metadata": json.dumps({"year": 2026})}, {"bees.md"}),
        ({"tag": "insects"}, {"bees.md"}),
        ({"processed_status__in": "done,error"}, {"bees.md", "rivers.md"}),
        ({"processed_status__in": "pending,error"}, set()),
        ({"updated_at__gte": "2020-01-01T00:00:00Z"}, {"bees.md", "rivers.md"}),
        ({"updated_at__lt": "2020-01-01T00:00:00Z"}, set()),
    ],
)
def test_lists_are_filtered(library: Library, parameters: dict[str, str], expected: set[str]) -> None:
    library.queue(
        library.upload("bees.md", BEES, metadata={"year": 2026, "x": 1}, tags=("insects",)),
        library.upload("rivers.md", RIVERS),
    )
    library.work()
    workspace = {"workspace": str(library.reference.workspace_id)}
    listed = library.person.client.get("/api/v1/documents/", parameters | workspace).json()
    assert {one["filename"] for one in listed["results"]} == expected
    wrong = library.person.client.get("/api/v1/documents/", {"metadata": "[1]"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "metadata")


def test_next_cursor_is_that_of_next(library: Library) -> None:
    library.queue(library.upload("bees.md", BEES), library.upload("rivers.md", RIVERS))
    first = library.person.client.get("/api/v1/documents/", {"limit": 1}).json()
    second = library.person.client.get("/api/v1/documents/", {"limit": 1, "cursor": first["next_cursor"]})
    assert second.json() == library.person.client.get(first["next"]).json()
    assert second.json()["next_cursor"] is None
    assert second.json()["results"][0]["id"] != first["results"][0]["id"]


def _file(name: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, BEES.encode())
