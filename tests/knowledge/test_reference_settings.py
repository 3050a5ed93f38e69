"""A reference has its own embedding model and chunk size: several models are in use at once, and a change concerns no other
reference's documents."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from assistants.models import Assistant
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from engines.parsing import formats
from engines.parsing.formats import FORMATS
from engines.vectors import Filter
from knowledge.engine_config import default_model, vector_store
from knowledge.models import Chunk, Document, Embedding, IngestionJob, KnowledgeBase, Reference
from knowledge.pipeline.ports import collection_name
from knowledge.search.filters import SearchFilters
from knowledge.search.service import search
from knowledge.services.adding import add_documents
from knowledge.services.references import create_knowledge_base, create_reference
from tests.conftest import Person
from tests.engines.embedding_endpoint import Endpoint
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.knowledge.reembeddings import BUILT_IN, REMOTE, change, reference_of, work_all
from tests.support.api_client import make_caller

LONG = " ".join(f"Sentence number {n} is about bees and their hive." for n in range(120))


@pytest.fixture
def second(library: Library) -> Library:
    """Another reference in the same workspace."""
    actor, workspace_id = library.person.actor, library.reference.workspace_id
    reference = create_reference(actor=actor, workspace_id=workspace_id, name="Second")
    folder = library.folder / "second"
    folder.mkdir()
    return replace(library, reference=reference, folder=folder)


def models_of(document: Document) -> set[str]:
    assert document.tenant_id
    with tenant_scope(document.tenant_id):
        return set(Embedding.objects.filter(chunk__document=document).values_list("model", flat=True))


def chunks_of(document: Document) -> list[Chunk]:
    assert document.tenant_id
    with tenant_scope(document.tenant_id):
        return list(Chunk.objects.filter(document=document).order_by("position"))


def test_two_models_are_in_use_and_searched_together(endpoint: Endpoint, library: Library, second: Library):
    assert default_model() == REMOTE
    change(second, embedding_model=BUILT_IN)
    bees, rivers = library.add("bees.md", BEES), second.add("rivers.md", RIVERS)
    assert (models_of(bees), models_of(rivers)) == ({REMOTE}, {BUILT_IN})
    for document, model in ((bees, REMOTE), (rivers, BUILT_IN)):
        stored = vector_store().scroll(
            library.tenant_id, collection_name(model), Filter(document_ids=(document.pk,))
        )
        assert len(stored) == len(chunks_of(document)) > 0
    found = {chunk.document_id for chunk in library.find("bees and rivers")}
    assert found == {bees.pk, rivers.pk}
    only = library.find("bees and rivers", references=(second.reference.pk,))
    assert {chunk.document_id for chunk in only} == {rivers.pk}


def test_query_is_embedded_once_for_each_model_searched(
    endpoint: Endpoint, library: Library, second: Library
):
    change(second, embedding_model=BUILT_IN)
    second.add("rivers.md", RIVERS)
    before = len(endpoint.requests)
    filters = SearchFilters(references=(second.reference.pk,))
    assert search(actor=library.person.actor, query="a river of its own", filters=filters)
    assert len(endpoint.requests) == before


def test_passages_and_questions_have_their_prefixes(settings: Any, endpoint: Endpoint, library: Library):
    """A text that is a question in one place and a passage in another has two vectors."""
    settings.EMBEDDING_PASSAGE_PREFIX, settings.EMBEDDING_QUESTION_PREFIX = "passage: ", "query: "
    client = Client(headers={"Authorization": f"Bearer {make_caller(library.person).key.secret}"})

    def inputs(start: int) -> set[str]:
        texts = [text for request in endpoint.requests[start:] for text in request["input"]]
        return {text for text in texts if "Bees dance." in text}

    library.add("bees.md", "Bees dance.")
    assert inputs(0) and all(text.startswith("passage: ") for text in inputs(0))
    start = len(endpoint.requests)
    assert library.find("Bees dance.") and library.find("Bees dance.")
    assert inputs(start) == {"query: Bees dance."}
    for more, prefix in (
        ({}, "passage"),
        ({"input_type": "passage"}, "passage"),
        ({"input_type": "query"}, "query"),
    ):
        start = len(endpoint.requests)
        body = {"model": default_model(), "input": "Bees dance.", **more}
        answer = client.post("/v1/embeddings", body, content_type="application/json")
        assert answer.status_code == 200 and inputs(start) == {f"{prefix}: Bees dance."}


def test_another_passage_prefix_embeds_documents_again(settings: Any, endpoint: Endpoint, library: Library):
    bees = library.add("bees.md", BEES)
    settings.EMBEDDING_PASSAGE_PREFIX = "passage: "
    again = library.add("bees.md", BEES)
    assert again.pk == bees.pk and models_of(again) == {default_model()} != {REMOTE}
    assert any(text.startswith("passage: ") for text in endpoint.requests[-1]["input"])


def test_change_of_model_concerns_one_reference(endpoint: Endpoint, library: Library, second: Library):
    bees, rivers = library.add("bees.md", BEES), second.add("rivers.md", RIVERS)
    assert change(second, embedding_model=BUILT_IN) == 0
    work_all(second)
    assert (reference_of(second).embedding_model, reference_of(library).embedding_model) == (
        BUILT_IN,
        Reference.AUTO,
    )
    assert (models_of(bees), models_of(rivers)) == ({REMOTE}, {REMOTE, BUILT_IN})
    for document in (bees, rivers):
        assert library.document(document.pk).generation == document.generation


def test_unknown_model_is_refused(library: Library):
    with pytest.raises(InvalidError, match="Choose one of: auto, all-MiniLM"):
        change(library, embedding_model="gpt-9")


def test_model_that_is_not_configured_any_more_is_named(settings: Any, endpoint: Endpoint, library: Library):
    change(library, embedding_model=REMOTE)
    settings.EMBEDDING_URL = ""
    document = library.add("bees.md", BEES)
    assert document.error_code == "embedding_not_configured"
    assert REMOTE in document.error_detail


def test_chunk_size_and_overlap_concern_one_reference(library: Library, second: Library):
    first, other = library.add("long.md", LONG), second.add("long.md", LONG)
    whole = chunks_of(first)
    assert change(library, chunk_tokens=64, chunk_overlap=16) == 1
    library.work()
    small = chunks_of(library.document(first.pk))
    assert len(small) > 2 * len(whole)
    assert max(chunk.token_count for chunk in small) <= 64
    overlaps = [earlier.end - later.start for earlier, later in pairwise(small)]
    assert all(overlap > 0 for overlap in overlaps)
    assert [chunk.text for chunk in chunks_of(library.document(other.pk))] == [c.text for c in whole]
    assert library.document(other.pk).generation == other.generation


def test_chunks_do_not_overlap_by_default(library: Library):
    chunks = chunks_of(library.add("long.md", LONG))
    assert len(chunks) > 2
    assert all(earlier.end <= later.start for earlier, later in pairwise(chunks))


def test_file_is_unchanged_until_the_chunk_size_changes(library: Library):
    library.add("bees.md", BEES)
    upload = library.upload("bees.md", BEES)
    assert [one.outcome for one in library.queue(upload)] == ["unchanged"]
    with tenant_scope(library.tenant_id):  # as if the change had not queued them
        Reference.objects.filter(pk=library.reference.pk).update(chunk_tokens=64)
    assert [one.outcome for one in library.queue(upload)] == ["updated"]


def test_api_changes_the_chunk_size(owner: Person, library: Library):
    document = library.add("bees.md", BEES)
    caller, path = make_caller(owner), f"references/{library.reference.pk}/"
    answer = caller("patch", path, {"chunk_tokens": 64, "chunk_overlap": 8})
    assert answer.status_code == 200, answer.content
    with tenant_scope(library.tenant_id):
        jobs = IngestionJob.objects.filter(document=document).count()
    assert jobs == 2
    for wrong in ({"chunk_tokens": 1}, {"chunk_tokens": 64, "chunk_overlap": 64}, {"embedding_model": "?"}):
        assert caller("patch", path, wrong).status_code == 422, wrong


def test_new_version_of_a_reader_concerns_its_format_only(library: Library, monkeypatch: pytest.MonkeyPatch):
    uploads = [library.upload("bees.md", BEES), library.upload("rivers.txt", RIVERS)]
    library.queue(*uploads)
    library.work()
    newer = {
        row.mime_type: replace(row, version=row.version + 1) if row.mime_type == "text/markdown" else row
        for row in FORMATS
    }
    monkeypatch.setattr(formats, "BY_TYPE", newer)
    assert [one.outcome for one in library.queue(*uploads)] == ["updated", "unchanged"]


def test_knowledge_base_names_the_collection_of_its_own_documents(
    endpoint: Endpoint, library: Library, tmp_path: Path
):
    actor = library.person.actor
    with tenant_scope(library.tenant_id):
        workspace_id = library.reference.workspace_id
        assistant = Assistant.objects.create(workspace_id=workspace_id, name="Ada")
    base = create_knowledge_base(actor=actor, assistant_id=assistant.pk, name="Bees")
    assert base.vector_db_id == collection_name(REMOTE)
    with tenant_scope(library.tenant_id):
        private = Reference.objects.get(knowledge_base=base)
    own = replace(library, reference=private)
    own.add("bees.md", BEES)
    change(own, embedding_model=BUILT_IN)
    work_all(own)
    with tenant_scope(library.tenant_id):
        assert KnowledgeBase.objects.get(pk=base.pk).vector_db_id == collection_name(BUILT_IN)
    assert add_documents(actor=actor, reference_id=private.pk, uploads=[own.upload("bees.md", BEES)])


def test_time_of_each_stage_is_kept_and_shown(owner: Person, library: Library):
    document = library.add("bees.md", BEES)
    with tenant_scope(library.tenant_id):
        job = IngestionJob.objects.get(document=document)
    assert set(job.timings_json) >= {"parse", "chunk", "embed", "tag", "index"}
    assert all(0 <= seconds < 60 for seconds in job.timings_json.values())
    page = owner.client.get(f"/admin/knowledge/ingestionjob/{job.pk}/change/").content.decode()
    assert "parse" in page and str(job.timings_json["parse"]) in page
