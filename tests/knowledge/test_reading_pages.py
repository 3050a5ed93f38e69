"""A document's pages: reading, editing and replacing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.isolation.scope import tenant_scope
from knowledge.models import Chunk, Document, Reference
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library

FILES = Path(__file__).parents[1] / "files"
SHEET = "name | age\nAda | 36\nAlan | 41\n"


def action(document: Document, name: str) -> str:
    return reverse(f"admin:knowledge_document_{name}", args=[document.pk])


def get(library: Library, address: str) -> Any:
    return library.person.client.get(address)


def test_pages_of_a_pdf_are_shown_beside_their_passages(library: Library):
    document = library.add("two-columns.pdf", (FILES / "two-columns.pdf").read_bytes())
    page = get(library, reverse("admin:read_document", args=[document.pk])).content.decode()
    picture = reverse("admin:page_picture", args=[document.pk, 1])
    assert picture in page and "Passage 1" in page
    drawn = get(library, picture)
    assert drawn["Content-Type"] == "image/webp" and drawn.content[8:12] == b"WEBP"
    assert "sandbox" in drawn["Content-Security-Policy"]
    refused = get(library, reverse("admin:page_picture", args=[document.pk, 99]))
    assert (refused.status_code, "cannot be shown" in refused.content.decode()) == (422, True)


def test_passage_is_marked_on_its_page(library: Library):
    document = library.add("long.md", "\n\n".join(f"# Title {n}\n\n{'Bees dance. ' * 20}" for n in range(30)))
    with tenant_scope(library.tenant_id):
        chunk = Chunk.objects.filter(document=document).order_by("-position")[0]
    read = reverse("admin:read_document", args=[document.pk])
    page = get(library, f"{read}?passage={chunk.pk}").content.decode()
    assert f'id="passage" aria-label="Passage {chunk.position + 1}"' in page
    assert "Part 2 of 2" in page
    assert 'id="passage"' not in get(library, f"{read}?page=99&passage=nonsense").content.decode()


def test_sheet_is_a_table_and_nothing_executes(library: Library):
    document = library.add("people.csv", SHEET + "<script>alert(1)</script> | 7\n")
    page = get(library, reverse("admin:read_document", args=[document.pk])).content.decode()
    assert "<td>Ada</td>" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_stranger_sees_neither_page_nor_picture(library: Library, stranger: Person):
    document = library.add("two-columns.pdf", (FILES / "two-columns.pdf").read_bytes())
    for name, further in (("read_document", []), ("page_picture", [1])):
        assert stranger.client.get(reverse(f"admin:{name}", args=[document.pk, *further])).status_code == 404


def test_scan_says_how_sure_its_text_is(library: Library):
    document = library.add("scan.pdf", (FILES / "scan.pdf").read_bytes())
    assert 50 < document.file_metadata_json["ocr_confidence"] < 100
    assert "%" in get(library, action(document, "change")).content.decode()


def test_edit_renames_moves_and_describes(library: Library):
    document = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        other = Reference.objects.create(workspace=library.reference.workspace, name="Other")
    form = {"filename": "hive.md", "reference": str(other.pk), "metadata": '{"year": 2026}'}
    assert library.person.client.post(action(document, "edit"), form).status_code == 302
    changed = library.document(document.pk)
    assert (changed.filename, changed.reference_id, changed.metadata_json) == (
        "hive.md",
        other.pk,
        {"year": 2026},
    )
    form["filename"] = " "
    assert (
        "This field is required"
        in library.person.client.post(action(document, "edit"), form).content.decode()
    )


def test_file_is_replaced_by_one_of_another_name(library: Library):
    document = library.add("bees.md", BEES)
    file = SimpleUploadedFile("rivers.txt", RIVERS.encode())
    answer = library.person.client.post(action(document, "replace"), {"file": file}, follow=True)
    assert "replaced by the new version" in answer.content.decode()
    library.work()
    (only,) = library.documents().values()
    assert (only.pk, only.external_id, only.filename) == (document.pk, "bees.md", "rivers.txt")
    assert "Danube" in only.text


def test_timeline_names_the_stages(library: Library):
    document = library.add("bees.md", BEES)
    page = get(library, action(document, "change")).content.decode()
    assert "Reading the file" in page and "Embedding" in page and "waited" in page
