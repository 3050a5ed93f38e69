"""Search results, filters and permissions."""

from __future__ import annotations

from uuid import uuid4

import pytest

from assistants.models import Assistant
from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from engines.vectors import Mode
from knowledge.models import Chunk
from knowledge.search import found_chunks
from knowledge.search.filters import SearchFilters
from knowledge.search.service import search
from knowledge.services.references import create_knowledge_base, get_or_create_reference
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_returns_its_scores(library: Library, mode: Mode) -> None:
    library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    best = search(actor=library.person.actor, audited=False, query="dance of the honey bees", mode=mode)[0]
    assert best.filename == "bees.md"
    expected = {"hybrid": {"dense", "sparse"}, "dense": {"dense"}, "sparse": {"sparse"}}
    assert best.scores.keys() == expected[mode]


@pytest.mark.parametrize("query", ["Kaffeemaschine", "Anleitung Kaffeemaschine", "2024"])
def test_documents_are_found_by_their_names(library: Library, query: str) -> None:
    library.add("rivers.md", RIVERS)
    library.add("Anleitung_Kaffeemaschine-2024.md", BEES)
    assert library.find(query)[0].filename == "Anleitung_Kaffeemaschine-2024.md"


def test_table_rows_are_found(library: Library) -> None:
    library.add("deck.csv", "name,legs\nbee,6\nspider,8\n")
    assert "bee | 6" in library.find("legs of a bee")[0].text


def test_reference_document_and_metadata_filters(library: Library) -> None:
    bees = library.add("bees.md", BEES, metadata={"year": 1927, "author": "Karl"})
    library.add("rivers.md", RIVERS, metadata={"year": 2004})
    assert [hit.document_id for hit in library.find("nature", documents=(bees.pk,))] == [bees.pk]
    assert [hit.filename for hit in library.find("nature", metadata={"author": "Karl"})] == ["bees.md"]
    assert [hit.filename for hit in library.find("nature", metadata={"year": [2004, 2005]})] == ["rivers.md"]
    assert library.find("nature", references=(uuid4(),)) == []
    assert library.find("nature", references=()) == []


def test_knowledge_base_includes_linked_references(library: Library) -> None:
    library.add("bees.md", BEES)
    actor = library.person.actor
    with tenant_scope(library.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name="Guide")
    base = create_knowledge_base(actor=actor, assistant_id=assistant.pk, name="Nature")
    assert library.find("bees", knowledge_base=base.pk) == []
    with tenant_scope(library.tenant_id):
        base.reference_links.create(reference=library.reference)
    assert library.find("bees", knowledge_base=base.pk)[0].filename == "bees.md"


def test_results_end_early_when_their_texts_are_long(library: Library, monkeypatch) -> None:
    for number in range(6):
        library.add(f"{number}.md", f"{BEES} {number}")
    everything = library.find("bees")
    monkeypatch.setattr(found_chunks, "SLICE_HITS", 2)
    assert library.find("bees") == everything
    monkeypatch.setattr(found_chunks, "MAX_LENGTH", len(BEES) * 3)
    assert library.find("bees") == everything[:4]


def test_empty_queries_and_nul_bytes(library: Library) -> None:
    library.add("bees.md", BEES)
    assert library.find("  \x00 ") == []
    assert library.find("bees\x00")[0].filename == "bees.md"


def test_points_without_a_row_are_skipped(library: Library) -> None:
    document = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        Chunk.objects.filter(document=document).delete_rows()
    assert library.points(document)
    assert library.find("bees") == []


def test_documents_of_a_deleted_workspace_are_not_found(library: Library) -> None:
    library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        type(library.reference.workspace).objects.soft_delete()
    assert library.find("bees") == []


def test_other_tenants_documents_are_not_found(library: Library, foreign_library: Library) -> None:
    document = library.add("bees.md", BEES)
    foreign_library.add("own.md", "Something about bees of another tenant.")
    foreign_filters: list[SearchFilters] = [
        SearchFilters(references=(library.reference.pk,)),
        SearchFilters(documents=(document.pk,)),
    ]
    for filters in foreign_filters:
        assert search(actor=foreign_library.person.actor, audited=False, query="bees", filters=filters) == []
    assert {hit.filename for hit in foreign_library.find("bees")} == {"own.md"}


def test_scores_do_not_depend_on_other_tenants(library: Library, foreign_library: Library) -> None:
    library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    before = search(actor=library.person.actor, audited=False, query="bees", mode=Mode.SPARSE)[0].score
    for number in range(5):
        foreign_library.queue(foreign_library.upload(f"{number}.md", f"bees bees bees {number}"))
    foreign_library.work()
    assert (
        search(actor=library.person.actor, audited=False, query="bees", mode=Mode.SPARSE)[0].score == before
    )


def test_search_is_audited(library: Library, viewer: Person) -> None:
    library.add("bees.md", BEES)
    (hit, *_) = search(actor=viewer.actor, query="bees")
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(action="search.performed")
    assert event.user_id == viewer.user.pk
    assert event.payload_json["query"] == "bees"
    assert str(hit.chunk_id) in event.payload_json["hits"]


def test_viewer_may_not_create_references(library: Library, viewer: Person) -> None:
    with pytest.raises(ForbiddenError):
        get_or_create_reference(actor=viewer.actor, workspace="Main", reference="Other")
