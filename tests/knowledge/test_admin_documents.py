"""Uploading and changing documents in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.admin.bulk import AT_ONCE
from knowledge.models import (
    BulkChange,
    Chunk,
    Connector,
    Document,
    DocumentStatus,
    DocumentTag,
    IngestionJob,
    Reference,
    Tag,
    TagLink,
    TagSource,
)
from knowledge.pipeline.values import tag_id
from knowledge.services.tags import set_document_tags
from tests.conftest import Person
from tests.support.admin_rows import Rows, make_document

LIST = reverse("admin:knowledge_document_changelist")
UPLOAD = reverse("admin:knowledge_document_add")


def upload(person: Person, reference: Reference, /, *files: tuple[str, bytes], **fields: str) -> Any:
    form = {
        "documents": [SimpleUploadedFile(name, content) for name, content in files],
        "reference": str(reference.pk),
        "tags": "",
        "metadata": "",
        **fields,
    }
    return person.client.post(UPLOAD, form, follow=True)


def page_of(document: Document, page: str = "change") -> str:
    return reverse(f"admin:knowledge_document_{page}", args=[document.pk])


def test_upload_stores_and_queues_files(owner: Person, rows: Rows):
    files = (("a.txt", b"Zebras graze."), ("b.md", b"# Zebras"))
    response = upload(owner, rows[Reference], *files, tags="savanna, grass", metadata='{"year": 2026}')
    assert "2 documents added." in response.content.decode()
    with tenant_scope(owner.tenant_id):
        document = Document.objects.get(filename="a.txt")
        assert document.metadata_json == {"year": 2026}
        assert document.processed_status == DocumentStatus.PENDING
        assert IngestionJob.objects.filter(document=document, state="queued").count() == 1
        tags = DocumentTag.objects.filter(document=document).values_list("tag__tag", "source")
        assert set(tags) == {("savanna", "manual"), ("grass", "manual")}
    response = upload(owner, rows[Reference], ("a.txt", b"Zebras graze."), ("b.md", b"# Horses"))
    assert "1 document unchanged" in response.content.decode()
    assert "1 document replaced by the new version." in response.content.decode()


@pytest.mark.parametrize(
    ("files", "fields", "message"),
    [
        ((), {}, "Choose at least one file"),
        ((("a.txt", b"1"), ("a.txt", b"2")), {}, "Two of the files are named"),
        ((("a.txt", b"1"),), {"metadata": "[1]"}, "Write a JSON object"),
        ((("a.txt", b"1"),), {"metadata": "{"}, "valid JSON"),
        ((("a.txt", b"1"),), {"reference": ""}, "This field is required"),
    ],
)
def test_invalid_upload_is_explained(
    files: Any, fields: dict[str, str], message: str, owner: Person, rows: Rows
):
    response = upload(owner, rows[Reference], *files, **fields)
    assert message in response.content.decode()
    with tenant_scope(owner.tenant_id):
        assert not Document.objects.exclude(pk=rows[Document].pk).exists()


def test_upload_into_a_foreign_reference_is_refused(rows: Rows, stranger: Person):
    response = upload(stranger, rows[Reference], ("a.txt", b"1"))
    assert "reference" in response.context["form"].errors
    with tenant_scope(stranger.tenant_id):
        assert not Document.objects.exists()


def test_original_is_downloaded_as_attachment(owner: Person, rows: Rows, stranger: Person, viewer: Person):
    upload(owner, rows[Reference], ("page.html", b"<script>alert(1)</script>"))
    with tenant_scope(owner.tenant_id):
        document = Document.objects.get(filename="page.html")
    address = page_of(document, "download")
    response = viewer.client.get(address)
    assert b"".join(response) == b"<script>alert(1)</script>"
    assert response["Content-Disposition"] == 'attachment; filename="page.html"'
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert stranger.client.get(address).status_code == 302


def test_missing_original_is_explained(owner: Person, rows: Rows):
    response = owner.client.get(page_of(rows[Document], "download"), follow=True)
    assert "The stored file is gone" in response.content.decode()


def test_list_shows_progress_of_documents(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        waiting = make_document(rows[Reference], "waiting.txt")
        busy = make_document(rows[Reference], "busy.txt", status="processing")
        make_document(rows[Reference], "broken.txt", status="error", error="The file is broken. Replace it.")
        for document, fields in ((waiting, {}), (busy, {"state": "running", "stage": "embed"})):
            IngestionJob.objects.create(
                document=document,
                generation=1,
                available_at=document.created_at,
                chunks_done=3 if fields else 0,
                chunks_total=12 if fields else 0,
                **fields,
            )
    page = owner.client.get(LIST).content.decode()
    assert "Waiting for its turn" in page
    assert "Embedding: 3 of 12 passages" in page
    assert "The file is broken. Replace it." in page
    assert page.count("data-unfinished") == 2


def test_failed_documents_are_retried_from_the_list(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        failed = make_document(rows[Reference], "broken.txt", status="error", error="Broken.")
    form = {"action": "retry", "_selected_action": [str(failed.pk), str(rows[Document].pk)]}
    assert "Retry: 1 document." in owner.client.post(LIST, form, follow=True).content.decode()
    with tenant_scope(owner.tenant_id):
        assert Document.objects.get(pk=failed.pk).processed_status == DocumentStatus.PENDING
        assert Document.objects.get(pk=rows[Document].pk).processed_status == DocumentStatus.DONE


def test_reindexing_needs_a_confirmation(owner: Person, rows: Rows):
    address = page_of(rows[Document], "reindex_one")
    owner.client.get(address)
    with tenant_scope(owner.tenant_id):
        assert Document.objects.get(pk=rows[Document].pk).processed_status == DocumentStatus.DONE
    response = owner.client.post(address, {"_form_submitted": "True"}, headers={"HX-Request": "true"})
    assert response.status_code == 200  # a script would follow a redirect, and put the page into the dialog
    assert response["HX-Redirect"] == page_of(rows[Document], "change")
    with tenant_scope(owner.tenant_id):
        assert Document.objects.get(pk=rows[Document].pk).processed_status == DocumentStatus.PENDING


def test_documents_are_tagged_from_the_list_and_one_by_one(owner: Person, rows: Rows):
    form = {"action": "tag", "_selected_action": [str(rows[Document].pk)]}
    page = owner.client.post(LIST, form).content.decode()
    assert "Add tags to 1 document" in page and ">Zebra tag</button>" in page
    owner.client.post(LIST, {**form, "confirmed": "1", "tags": "striped, wild"})
    form["action"] = "untag"
    owner.client.post(LIST, {**form, "confirmed": "1", "tags": "striped"})
    form = {"add": "", "remove": "nosuch"}
    answer = owner.client.post(page_of(rows[Document], "tag_one"), form, follow=True)
    assert "No document has the tag nosuch." in answer.content.decode()
    with tenant_scope(owner.tenant_id):
        tags = DocumentTag.objects.filter(document=rows[Document]).values_list("tag__tag", flat=True)
        assert set(tags) == {"Zebra tag", "wild"}


def test_whole_filter_is_left_to_a_worker(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        for number in range(AT_ONCE + 1):
            make_document(rows[Reference], f"many-{number}.txt", status="done")
    form = {"action": "tag", "select_across": "1", "_selected_action": [str(rows[Document].pk)]}
    page = owner.client.post(f"{LIST}?q=many-", form).content.decode()
    assert "Add tags to 101 documents" in page and "and 91 more" in page
    sent = owner.client.post(f"{LIST}?q=many-", {**form, "confirmed": "1", "tags": "many"}, follow=True)
    assert "101 documents are being changed" in sent.content.decode()
    with tenant_scope(owner.tenant_id):
        change = BulkChange.objects.get(state="queued")
        assert not DocumentTag.objects.filter(tag__tag="many").exists()
    work_in_process(handler_of(BulkChange), owner.tenant_id)
    with tenant_scope(owner.tenant_id):
        assert DocumentTag.objects.filter(tag__tag="many").count() == 101
        change.refresh_from_db()
        assert (change.state, change.document_ids, change.done) == ("done", [], 101)


def test_documents_that_cannot_be_moved_are_named(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        other = Reference.objects.create(workspace=rows[Reference].workspace, name="Other")
        make_document(other, "zebra.txt", status="done")
        free = make_document(rows[Reference], "free.txt", status="done")
    form = {"action": "move", "_selected_action": [str(rows[Document].pk), str(free.pk)], "confirmed": "1"}
    owner.client.post(LIST, {**form, "reference": str(other.pk)})
    work_in_process(handler_of(BulkChange), owner.tenant_id)
    with tenant_scope(owner.tenant_id):
        change = BulkChange.objects.get(kind="move")
        assert Document.objects.get(pk=free.pk).reference_id == other.pk
    page = owner.client.get(reverse("admin:knowledge_bulkchange_change", args=[change.pk])).content.decode()
    assert "zebra.txt: The reference has a document" in page


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"any_tag": "RED, blue"}, {"both.md", "red.md"}),
        ({"all_tags": "red, blue"}, {"both.md"}),
        ({"no_tag": "red"}, {"plain.md"}),
        ({"error": "broken"}, {"plain.md"}),
        ({"source": "inbox/"}, {"red.md"}),
        ({"language": "german"}, {"both.md"}),
        ({"since": "2030-01-01"}, set()),
        ({"until": "tomorrow"}, set()),
    ],
)
def test_list_is_filtered(filters: dict[str, str], expected: set[str], owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        Document.objects.all().soft_delete()
        both = make_document(rows[Reference], "both.md", status="done")
        red = make_document(rows[Reference], "red.md", status="done")
        make_document(rows[Reference], "plain.md", status="error", error="It is broken.")
        Document.objects.filter(pk=red.pk).update(external_id="inbox/red.md")
        for document, names in ((both, ["Red", "blue"]), (red, ["Red"])):
            set_document_tags([document], names, TagSource.MANUAL, owner.actor)
        Chunk.objects.filter(pk=rows[Chunk].pk).update(document=both, language="de")
    page = owner.client.get(LIST, filters).content.decode()
    assert {name for name in ("both.md", "red.md", "plain.md") if name in page} == expected


def test_list_is_exported(owner: Person, rows: Rows):
    with tenant_scope(owner.tenant_id):
        make_document(rows[Reference], "=cmd.txt", status="done")
    form = {"action": "export", "select_across": "1", "_selected_action": [str(rows[Document].pk)]}
    lines = owner.client.post(LIST, form).content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("File,Path,Reference,Status") and len(lines) == 3
    assert any(line.startswith("'=cmd.txt,'=cmd.txt,Zebra library,Done") for line in lines)
    assert any("Zebra tag" in line for line in lines)


def test_deleted_documents_are_restored_from_the_trash(owner: Person, rows: Rows, viewer: Person):
    answer = owner.client.post(page_of(rows[Document], "delete"), {"post": "yes"}, follow=True)
    assert answer.redirect_chain[-1][0] == LIST and "restored for 30 days" in answer.content.decode()
    trash, form = reverse("admin:trash"), {"do": "restore", "document": [str(rows[Document].pk)]}
    assert "zebra.txt" in viewer.client.get(trash).content.decode()
    assert "This needs the role" in viewer.client.post(trash, form, follow=True).content.decode()
    assert "1 document restored" in owner.client.post(trash, form, follow=True).content.decode()
    with tenant_scope(owner.tenant_id):
        assert Document.objects.filter(pk=rows[Document].pk).exists()
    assert "The trash is empty." in owner.client.get(trash).content.decode()


def test_deleting_a_document_queues_its_purge(owner: Person, rows: Rows):
    owner.client.post(page_of(rows[Document], "delete"), {"post": "yes"})
    with tenant_scope(owner.tenant_id):
        assert not Document.objects.filter(pk=rows[Document].pk).exists()
        assert IngestionJob.objects.filter(document_id=rows[Document].pk, kind="purge").exists()


def test_deleting_a_reference_asks_for_its_name(owner: Person, rows: Rows):
    address = reverse("admin:knowledge_reference_delete", args=[rows[Reference].pk])
    with tenant_scope(owner.tenant_id):
        Connector.objects.all().soft_delete()  # a reference that a connector fills is kept
    page = owner.client.get(address).content.decode()
    assert "With it go 1 document." in page and "Write its name" in page
    owner.client.post(address, {"post": "yes", "name": "zebra"})
    with tenant_scope(owner.tenant_id):
        assert Reference.objects.filter(pk=rows[Reference].pk).exists()
    owner.client.post(address, {"post": "yes", "name": "Zebra library"})
    with tenant_scope(owner.tenant_id):
        assert not Reference.objects.filter(pk=rows[Reference].pk).exists()
        assert not Document.objects.filter(pk=rows[Document].pk).exists()
    form = {"do": "restore-reference", "reference": str(rows[Reference].pk)}
    answer = owner.client.post(reverse("admin:trash"), form, follow=True).content.decode()
    assert "Restored, with 1 document." in answer


def test_viewer_cannot_upload_or_run_actions(viewer: Person, rows: Rows):
    assert upload(viewer, rows[Reference], ("a.txt", b"1")).status_code == 403
    for action in ("retry_one", "reindex_one", "tag_one"):
        address = page_of(rows[Document], action)
        assert viewer.client.post(address, {"_form_submitted": "True"}).status_code == 403
    form = {"action": "reindex", "_selected_action": [str(rows[Document].pk)]}
    viewer.client.post(LIST, form)
    with tenant_scope(viewer.tenant_id):
        assert Document.objects.get(pk=rows[Document].pk).processed_status == DocumentStatus.DONE


def test_invalid_regular_expression_is_explained(owner: Person, rows: Rows):
    tag = rows[Tag]
    form = {
        "description": "",
        "rules-TOTAL_FORMS": "1",
        "rules-INITIAL_FORMS": "0",
        "rules-0-kind": "regex",
        "rules-0-pattern": "(unclosed",
    }
    page = owner.client.post(reverse("admin:knowledge_tag_change", args=[tag.pk]), form)
    assert "not a regular expression" in page.content.decode()


def test_chunk_is_tagged_by_hand(owner: Person, rows: Rows, viewer: Person):
    address = reverse("admin:knowledge_chunk_tag_one", args=[rows[Chunk].pk])
    assert viewer.client.post(address, {"add": "spy"}).status_code == 403
    assert "Set tags" in owner.client.get(address).content.decode()
    owner.client.post(address, {"add": "stripes"})
    with tenant_scope(owner.tenant_id):
        tags = TagLink.objects.filter(chunk=rows[Chunk]).values_list("tag__tag", "source")
        assert set(tags) == {("Zebra tag", "manual"), ("stripes", "manual")}


def test_added_tag_has_the_id_of_its_name(owner: Person, rows: Rows):
    reference, tag = rows[Reference], rows[Tag]
    page = owner.client.get(reverse("admin:knowledge_reference_change", args=[reference.pk])).content.decode()
    added = reverse("admin:knowledge_tag_add")
    assert "1 tag" in page and f"{added}?reference={reference.pk}" in page
    owner.client.post(added, {"reference": reference.pk, "tag": "grazing", "description": ""})
    form = {"tag": "Renamed", "description": "All about zebras"}
    form |= {"rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0"}
    owner.client.post(reverse("admin:knowledge_tag_change", args=[tag.pk]), form)
    with tenant_scope(owner.tenant_id):
        assert Tag.objects.get(tag="grazing").pk == tag_id(reference.pk, "grazing")
        kept = Tag.objects.get(pk=tag.pk)
        assert (kept.tag, kept.description) == ("Zebra tag", "All about zebras")


@pytest.mark.parametrize(("value", "expected"), [("some", ["lost.md"]), ("none", ["whole.md"])])
def test_list_is_filtered_by_what_was_not_read(
    value: str, expected: list[str], owner: Person, rows: Rows
) -> None:
    with tenant_scope(owner.tenant_id):
        Document.objects.all().soft_delete()
        for name, warnings in (
            ("lost.md", {"unread_pages": "No text was found on page 3."}),
            ("whole.md", {}),
        ):
            document = make_document(rows[Reference], name, status="done")
            Document.objects.filter(pk=document.pk).update(warnings=warnings)
    page = owner.client.get(LIST, {"warnings": value}).content.decode()
    assert [name for name in ("lost.md", "whole.md") if name in page] == expected
    assert ("No text was found on page 3." in page) is (value == "some")
