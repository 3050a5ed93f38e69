"""Files with hostile names are kept, under names that can be shown."""

from __future__ import annotations

import inspect
import io
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.test import Client

from core.apps import oyl_apps
from core.commands import OylCommand
from core.isolation.scope import tenant_scope
from core.names import FORBIDDEN, printable
from core.private_files import open_to_others
from knowledge.models import Chunk, Document, Reference, StoredFile
from tenants.models import Tenant
from tests.conftest import Person
from tests.engines.reading import zipped
from tests.knowledge.commands import run
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.api_client import Caller, make_caller
from workspaces.models import Workspace

OWN_APPS = {config.name for config in oyl_apps()}
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


def printed(name: str, *arguments: str) -> str:
    """All that the command prints, its error included."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=errors)
    except CommandError as error:
        errors.write(str(error))
    return out.getvalue() + errors.getvalue()


def test_composed_and_decomposed_names_are_one_document(caller: Caller, library: Library):
    first, again = (
        upload(caller, library, f"{name}.md", BEES) for name in ("Gro\u0308\u00dfe", "Gr\u00f6\u00dfe")
    )
    assert first == again
    assert shown(library) == {"Gr\u00f6\u00dfe.md"}


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
    assert "x\\u202e" in printed("ingest", "x\u202e", *options, "--tenant", str(owner.tenant_id))


def test_commands_escape_all_names_and_texts(library: Library) -> None:
    document = library.add("a.md", BEES)
    hostile = "\x1b[2J\u202e\u2028bees"
    with tenant_scope(library.tenant_id):  # as rows from before the rule
        for rows in (Tenant.objects, Workspace.objects, Reference.objects):
            rows.update(name=hostile)
        Chunk.objects.update(text=hostile, heading_path=[hostile])
    assert "\\u001b[2J\\u202e\\u2028bees" in printed("search", "bees", "--tenant", str(library.tenant_id))
    for name, *arguments in (
        ["list_tenants"],
        ["list_documents", "--tenant", str(library.tenant_id)],
        ["search", "bees", "--reference", hostile + "x", "--tenant", str(library.tenant_id)],
        ["search", "bees", "--tenant", hostile + "x"],
        ["reconcile", "--tenant", str(library.tenant_id)],
        ["delete_document", str(document.pk), "--tenant", hostile],
    ):
        text = printed(name, *arguments).replace("\n", "") + printed(name, *arguments, "--json").rstrip("\n")
        assert text and not FORBIDDEN.search(text), name


def test_every_command_prints_through_the_one_that_escapes() -> None:
    """The others print nothing that comes from tenants."""
    names = [name for name, app in get_commands().items() if app in OWN_APPS]
    classes = {name: type(load_command_class(get_commands()[name], name)) for name in names}
    others = {name for name, command in classes.items() if not issubclass(command, OylCommand)}
    assert others == {"changepassword", "createsuperuser", "migrate", "services", "up"}
    for name in set(names) - others:
        assert {"handle", "report"}.isdisjoint(vars(classes[name])), name
        assert "stdout" not in inspect.getsource(inspect.getmodule(classes[name])), name  # type: ignore[arg-type]


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
    download = caller.get(f"documents/{first}/content/")
    download.close()
    assert download["Content-Disposition"] == 'attachment; filename="e\\\\u3164txt.md"'


def test_stored_files_are_closed_to_other_users(caller: Caller, library: Library) -> None:
    umask = os.umask(0o022)
    try:
        upload(caller, library, "a.md", BEES)
    finally:
        os.umask(umask)
    folder = settings.LAYOUT.files / "tenants" / str(library.tenant_id)
    assert [path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()] == [0o600]
    assert list(open_to_others(folder)) == []


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
