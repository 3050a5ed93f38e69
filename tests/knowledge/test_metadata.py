"""Metadata that users give and metadata that files contain are kept apart."""

from __future__ import annotations

import json

from tests.conftest import Person
from tests.knowledge.libraries import BEES, Library
from tests.support.api_client import Caller, make_caller

GIVEN = {"file": "x", "author": "Ada"}
FRONT_MATTER = f"---\nauthor: Karl\ntitle: Bees\n---\n{BEES}"


def test_key_file_is_kept_and_the_upload_unchanged(library: Library):
    document = library.add("bees.md", BEES, metadata=GIVEN)
    assert document.metadata_json == GIVEN
    (again,) = library.queue(library.upload("bees.md", BEES, metadata=GIVEN))
    assert again.outcome == "unchanged"


def test_file_metadata_does_not_overwrite_that_of_users(library: Library):
    document = library.add("bees.md", FRONT_MATTER, metadata=GIVEN)
    assert document.metadata_json == GIVEN
    assert document.file_metadata_json["author"] == "Karl"
    changed = library.add("bees.md", FRONT_MATTER.replace("Karl", "Lise"), metadata=GIVEN)
    assert changed.file_metadata_json["author"] == "Lise"
    assert changed.metadata_json == GIVEN


def test_given_and_file_metadata_can_be_filtered_by(library: Library):
    library.add("bees.md", FRONT_MATTER, metadata=GIVEN)
    for metadata, is_found in (
        ({"author": "Ada"}, True),
        ({"file": "x"}, True),
        ({"file_author": "Karl"}, True),
        ({"author": "Karl"}, False),
        ({"file_author": "Ada"}, False),
    ):
        assert bool(library.find("bees", metadata=metadata)) is is_found, metadata


def test_api_shows_given_and_file_metadata(owner: Person, library: Library):
    document = library.add("bees.md", FRONT_MATTER, metadata=GIVEN)
    caller: Caller = make_caller(owner)
    shown = caller.get(f"documents/{document.pk}/").json()
    assert shown["metadata_json"] == GIVEN
    assert shown["file_metadata_json"]["author"] == "Karl"


def test_api_accepts_the_key_file(owner: Person, library: Library):
    caller = make_caller(owner)
    upload = library.upload("bees.md", BEES)
    with upload.path.open("rb") as file:
        answer = caller.upload(reference=str(library.reference.pk), files=file, metadata=json.dumps(GIVEN))
    assert answer.status_code == 202, answer.content
    (result,) = answer.json()["results"]
    assert library.document(result["id"]).metadata_json == GIVEN
