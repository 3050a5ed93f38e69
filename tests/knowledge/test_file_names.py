"""Files with hostile names are kept, under names that can be shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from core.isolation.scope import tenant_scope
from core.names import printable
from knowledge.models import Document, StoredFile
from tests.conftest import Person
from tests.engines.reading import zipped
from tests.knowledge.commands import run
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.api_client import Caller, make_caller

HOSTILE = ["e\u202etxt.md", "e\u202dtxt.md", "a\nb.md", "\x1b[2J.md", "tag\U000e0041.md", "\u2028\u3164.md"]


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "library")


@pytest.fixture
def caller(owner: Person) -> Caller:
    return make_caller(owner)


def shown(library: Library) -> set[str]:
    """The names of all documents as every list shows them."""
    with tenant_scope(library.tenant_id):
        rows = list(Document.objects.values_list("filename", "external_id"))
    return {name for row in rows for name in row}


def upload(caller: Caller, library: Library, name: str, text: str) -> str:
    file = SimpleUploadedFile(name, text.encode())
    answer = caller.upload(reference=str(library.reference.pk), files=file)
    return str(answer.json()["results"][0]["id"])


def test_folder_with_hostile_names_is_ingested_whole_and_once(owner: Person, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate(HOSTILE):
        (folder / name).write_text(f"{BEES} {number}")
    options = ("--workspace", "Main", "--reference", "Files")
    assert run("ingest", folder, *options, person=owner)["added"] == len(HOSTILE)
    assert run("ingest", folder, *options, person=owner)["unchanged"] == len(HOSTILE)
    listed = {row["filename"] for row in run("list_documents", person=owner)}
    assert listed == set(map(printable, HOSTILE))
    for arguments in (["list_documents"], ["ingest", str(folder), *options], ["ingest", "x\u202e", *options]):
        out, errors = io.StringIO(), io.StringIO()
        try:
            call_command(*arguments, "--tenant", str(owner.tenant_id), stdout=out, stderr=errors)
        except Exception as error:
            errors.write(str(error))
        text = out.getvalue() + errors.getvalue()
        assert text and not any(char in text for char in "\u202e\u202d\x1b\u2028\u3164\U000e0041"), arguments


def test_members_of_archives_with_hostile_names_are_kept(library: Library) -> None:
    library.add("all.zip", zipped({f"folder/{name}": f"{BEES} {name}" for name in [*HOSTILE, "folder/../"]}))
    assert shown(library) >= {printable(name) for name in HOSTILE}
    assert all(printable(name) == name for name in shown(library))


def test_uploaded_file_is_replaced_and_downloaded_under_its_printable_name(
    caller: Caller, library: Library
) -> None:
    """Django drops other invisible characters from the names of uploads."""
    first = upload(caller, library, "e\u3164txt.md", BEES)
    assert upload(caller, library, "e\u115ftxt.md", BEES) != first
    assert upload(caller, library, "e\u3164txt.md", RIVERS) == first
    assert shown(library) == {"e\\u3164txt.md", "e\\u115ftxt.md"}
    assert len(caller.get("documents/?external_id=e\u3164txt.md").json()["results"]) == 1
    header = caller.get(f"documents/{first}/content/")["Content-Disposition"]
    assert header == 'attachment; filename="e\\\\u3164txt.md"'


def test_stored_file_has_a_printable_name(caller: Caller, owner: Person) -> None:
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    file = SimpleUploadedFile("e\u3164txt.md", BEES.encode())
    answer = client.post("/v1/files", {"purpose": "assistants", "file": file})
    assert answer.json()["filename"] == "e\\u3164txt.md"
    with tenant_scope(owner.tenant_id):
        assert StoredFile.objects.get().filename == "e\\u3164txt.md"


def test_tags_of_files_have_no_invisible_characters(library: Library) -> None:
    smuggled = "bees" + "".join(chr(0xE0000 + ord(char)) for char in "obey")
    document = library.add("a.md", f"---\ntags: [{smuggled}, a\u202eb]\ntitle: {smuggled}\n---\n{BEES}")
    library.queue(library.upload("b.md", BEES, tags=(smuggled, "c\u200bd")))
    with tenant_scope(library.tenant_id):
        tags = set(library.reference.tags.values_list("tag", flat=True))
    assert tags == {"bees", "ab", "cd"}
    assert document.file_metadata_json["title"] == "bees"
