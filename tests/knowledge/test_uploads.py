"""Uploads over REST: nothing is lost in silence, whatever the files are called and however they leave again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistants.models import Assistant
from core.isolation.scope import tenant_scope
from knowledge.services.references import create_knowledge_base
from tests.knowledge.libraries import BEES, RIVERS, Library


def part(path: str, content: str) -> bytes:
    name = path.encode()
    return b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n' % (
        name,
        content.encode(),
    )


def send(library: Library, *files: tuple[str, str], **fields: Any) -> Any:
    """With the names as they are: Django's own client takes their folders away."""
    given = {"reference": str(library.reference.pk), **fields}
    texts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), one.encode())
        for name, value in given.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    body = b"".join([*texts, *(part(*file) for file in files), b"--x--\r\n"])
    return library.person.client.generic(
        "POST", "/api/v1/documents/upload/", body, content_type="multipart/form-data; boundary=x"
    )


def results(library: Library, *files: tuple[str, str], **fields: Any) -> list[tuple[str, str]]:
    answer = send(library, *files, **fields)
    assert answer.status_code == 202, answer.content
    return [(one["external_id"], one["outcome"]) for one in answer.json()["results"]]


def test_files_of_one_name_in_two_folders_are_two_documents(library: Library) -> None:
    files = [("2023/report.txt", "Old bees."), ("2024/report.txt", "New bees.")]
    assert results(library, *files) == [("2023/report.txt", "added"), ("2024/report.txt", "added")]
    assert results(library, ("..\\2024\\.\\report.txt", "New bees.")) == [("2024/report.txt", "unchanged")]
    assert {one.filename for one in library.documents().values()} == {"report.txt"}


def test_long_names_are_compared_whole(library: Library) -> None:
    names = [f"{'n' * 290}{number}.txt" for number in (1, 2)]
    assert results(library, *((name, BEES) for name in names)) == [(name, "added") for name in names]


def test_spellings_of_an_accent_are_one_name(library: Library) -> None:
    assert results(library, ("caf\u00e9.txt", BEES)) == [("caf\u00e9.txt", "added")]
    assert results(library, ("cafe\u0301.txt", BEES)) == [("caf\u00e9.txt", "unchanged")]


def test_external_ids_are_given_for_each_file(library: Library) -> None:
    sidecar = json.dumps({"metadata": {"year": 2026}})
    files = [("a.txt", BEES), ("a.txt", RIVERS), ("a.txt.meta.json", sidecar)]
    ids = ["crm:1", "crm:2", "crm:2.meta.json"]
    assert results(library, *files, external_ids=ids) == [("crm:1", "added"), ("crm:2", "added")]
    assert library.documents()["crm:2"].metadata_json == {"year": 2026}
    for wrong in (ids[:2], ["crm:1", "crm:1", "crm:3"]):
        problem = send(library, *files, external_ids=wrong).json()
        assert [one["field"] for one in problem["errors"]] == ["external_ids"]


def test_name_is_no_id_of_a_file_of_v1(library: Library) -> None:
    """By such an id, `/v1/files` would delete the document with the file."""
    answer = send(library, (f"file-{'0' * 32}", BEES))
    assert answer.status_code == 422 and "Give another name" in answer.json()["detail"]
    assert library.documents() == {}


def test_conflicts_are_errors_or_keep_by_choice(library: Library) -> None:
    first = send(library, ("a.txt", BEES)).json()["results"][0]
    assert results(library, ("a.txt", RIVERS), ("b.txt", BEES), on_conflict="keep") == [
        ("a.txt", "kept"),
        ("b.txt", "added"),
    ]
    refused = send(library, ("c.txt", RIVERS), ("a.txt", RIVERS), on_conflict="error")
    assert (refused.status_code, refused.json()["code"]) == (409, "document_exists")
    before = library.documents()
    assert (sorted(before), before["a.txt"].file_generation) == (["a.txt", "b.txt"], 1)
    (replaced,) = send(library, ("a.txt", RIVERS)).json()["results"]
    assert (replaced["outcome"], replaced["replaced_sha256"]) == ("updated", before["a.txt"].sha256)
    assert (replaced["id"], replaced["filename"]) == (first["id"], "a.txt")
    assert send(library, ("a.txt", RIVERS)).json()["results"][0]["replaced_sha256"] == ""


def test_oldest_of_equal_files_is_no_duplicate(library: Library) -> None:
    first, second = send(library, ("a.txt", BEES), ("b.txt", BEES)).json()["results"]
    assert sorted([first["duplicate_of"], second["duplicate_of"]], key=bool) in (
        [None, first["id"]],
        [None, second["id"]],
    )
    original = first if first["duplicate_of"] is None else second
    third = send(library, ("c.txt", BEES)).json()["results"][0]
    assert third["duplicate_of"] == original["id"]
    assert send(library, (original["external_id"], BEES)).json()["results"][0]["duplicate_of"] is None


def test_original_outlasts_its_vector_store(library: Library) -> None:
    document, client = library.add("bees.md", BEES), library.person.client
    file, store = f"file-{document.pk.hex}", f"/v1/vector_stores/vs_{library.reference.pk.hex}/files"
    assert client.delete(f"{store}/{file}").json()["deleted"] is True
    assert client.get(f"{store}/{file}").status_code == 404
    assert client.get(f"/v1/files/{file}").json()["filename"] == "bees.md"
    assert b"".join(client.get(f"/v1/files/{file}/content")) == BEES.encode()  # type: ignore[arg-type]
    attached = client.post(store, {"file_id": file}, content_type="application/json").json()
    assert (attached["id"], attached["status"]) == (file, "in_progress")
    library.work()
    assert [chunk.filename for chunk in library.find("bees")] == ["bees.md"]


@pytest.mark.parametrize("path", ["/api/v1/references/{0}/", "/v1/vector_stores/{0}"])
def test_private_reference_stays_as_long_as_its_knowledge_base(library: Library, path: str) -> None:
    actor, client = library.person.actor, library.person.client
    with tenant_scope(library.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name="Guide")
    base = create_knowledge_base(actor=actor, assistant_id=assistant.pk, name="Nature")
    shown = client.get(f"/api/v1/knowledge-bases/{base.pk}/").json()["private_reference"]
    refused = client.delete(path.format(shown))
    assert (refused.status_code, b"Delete the knowledge base" in refused.content) == (409, True)
    assert client.get(f"/api/v1/references/{shown}/").status_code == 200
    assert client.delete(f"/api/v1/knowledge-bases/{base.pk}/").status_code == 204
    assert client.get(f"/api/v1/references/{shown}/").status_code == 404
