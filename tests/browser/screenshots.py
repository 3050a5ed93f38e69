"""`make screenshots`: pictures of the console's pages, for the docs, with documents that are really read and a model that
really answers. Not a test: pytest runs it only where it is named."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from django.test import override_settings
from django.urls import reverse
from PIL import Image
from playwright.sync_api import Page

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from knowledge.models import Chunk, Document, Tag
from knowledge.services.changing import delete_documents
from knowledge.services.tags import tag_documents
from tests.conftest import Person
from tests.conversations.conftest import make_desk
from tests.knowledge.libraries import Library, make_library
from tests.support.chat_model_file import running_model_file
from tests.support.workflows import Studio
from tests.workflows.example_runs import HOURS, INPUTS, INVOICE, decided, run
from workspaces.models import Workspace

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("OYL_SCREENSHOTS", ROOT / "docs" / "images"))
FILES, DOCS = ROOT / "tests" / "files", ROOT / "docs"
NAMES = ("two-columns.pdf", "scan.pdf", "hive-book.epub", "harvest.xls", "inspection.msg")
QUALITY = 70


class Shot(NamedTuple):
    name: str
    address: str
    width: int = 1280
    colours: str = "light"


def test_screenshots(page: Page, owner: Person, tmp_path: Path) -> None:
    library = make_library(owner, tmp_path / "own")
    _fill(library)
    take(page, _shots(library))
    assert (FOLDER / "document-list.webp").exists()


def test_screenshots_of_answers(page: Page, owner: Person, tmp_path: Path) -> None:
    """By the sentences of the documents, and by the model file of the tests, which is too small to answer well."""
    desk = make_desk(owner, tmp_path / "own")
    reply = desk.reply()
    chat = f"{reverse('admin:chat')}?pane=conversation:{reply.conversation_id}"
    shots = [Shot("chat", chat), Shot("chat-dark", chat, colours="dark")]
    shots += [Shot("chat-narrow", chat, 375), Shot("chat-narrow-dark", chat, 375, "dark")]
    shots.append(Shot("trace", reverse("admin:conversations_trace_change", args=[reply.trace_id])))
    with tenant_scope(owner.tenant_id):
        desk.assistant.settings_json = {"model": {"name": "local"}}
        desk.assistant.save()
    with running_model_file(tmp_path) as process, override_settings(LAYOUT=process.layout):
        generated = desk.reply()
    assert generated.model == "local"
    of_model = f"{reverse('admin:chat')}?pane=conversation:{generated.conversation_id}"
    take(page, [*shots, Shot("chat-model-file", of_model)])


def test_screenshots_of_the_runs_of_examples(page: Page, owner: Person, tmp_path: Path) -> None:
    library = make_library(owner, tmp_path / "own")
    invoice = library.add("invoice.md", INVOICE)
    library.add("hours.md", HOURS)
    with tenant_scope(owner.tenant_id):
        studio = Studio(owner, Workspace.objects.get(pk=library.reference.workspace_id))
    shots = list[Shot]()
    of_document = {"document": str(invoice.pk), "filename": "invoice.md"}
    for name, given in {**INPUTS, "tag-and-route-documents": of_document}.items():
        made = run(studio, name, given)
        if made.state == JobState.WAITING:
            decided(studio, made, approve=True, comment="Good.")
        address = reverse("admin:workflows_workflowrun_change", args=[made.pk])
        shots += [Shot(f"run-{name}", address), Shot(f"run-{name}-narrow-dark", address, 375, "dark")]
    take(page, shots)


def take(page: Page, shots: list[Shot]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for shot in shots:
        page.set_viewport_size({"width": shot.width, "height": 900 if shot.width > 700 else 812})
        page.emulate_media(color_scheme="dark" if shot.colours == "dark" else "light")
        page.goto(shot.address, wait_until="networkidle")
        picture = Image.open(BytesIO(page.screenshot()))
        picture.convert("RGB").save(FOLDER / f"{shot.name}.webp", quality=QUALITY, method=6)


def _fill(library: Library) -> None:
    """Documents of several kinds, one that fails, and tags."""
    uploads = [library.upload(name, (FILES / name).read_bytes()) for name in NAMES]
    uploads += [
        library.upload(f"{name}.md", (DOCS / f"{name}.md").read_text()) for name in ("search", "tenancy")
    ]
    uploads.append(library.upload("broken.docx", b"PK\x03\x04 cut off"))
    added = library.queue(*uploads)
    library.work()
    ids = [one.document_id for one in added]
    tag_documents(actor=library.person.actor, document_ids=ids[:3], tags=["handbook"])
    tag_documents(actor=library.person.actor, document_ids=ids[4:7], tags=["reviewed", "2026"])
    with tenant_scope(library.tenant_id):
        Tag.objects.filter(tag="reviewed").update(colour="green")
        Tag.objects.filter(tag="2026").update(colour="amber")
    delete_documents(actor=library.person.actor, document_ids=ids[2:3], to_trash=True)
    library.work()


def _shots(library: Library) -> list[Shot]:
    with tenant_scope(library.tenant_id):
        pdf = Document.objects.get(filename="two-columns.pdf")
        chunk = Chunk.objects.filter(document=pdf).order_by("position")[0]
        tag = Tag.objects.get(tag="handbook")
    documents = reverse("admin:knowledge_document_changelist")
    read = f"{reverse('admin:read_document', args=[pdf.pk])}?passage={chunk.pk}"
    search = f"{reverse('admin:try_search')}?query=how+are+tenants+kept+apart&compare=on"
    return [
        Shot("overview", reverse("admin:index")),
        Shot("document-list", documents),
        Shot("document-list-narrow-dark", documents, 375, "dark"),
        Shot("document", reverse("admin:knowledge_document_change", args=[pdf.pk])),
        Shot("document-read", read),
        Shot("document-read-narrow-dark", read, 375, "dark"),
        Shot("upload", reverse("admin:knowledge_document_add")),
        Shot("search", search),
        Shot("search-dark", search, colours="dark"),
        Shot("tags", reverse("admin:knowledge_tag_changelist")),
        Shot(
            "tag-trial",
            f"{reverse('admin:knowledge_tag_try_rule', args=[tag.pk])}?kind=keyword&pattern=colony",
        ),
        Shot("trash", reverse("admin:trash")),
    ]
