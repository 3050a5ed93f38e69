"""A reference changes its embedding model: the old vectors answer until the new ones are complete, and found good."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.quota_kinds import QuotaKind
from knowledge.engine_config import embedder_named
from knowledge.models import Chunk, Reembedding, Reference
from knowledge.services.changing import delete_documents
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.services.reembedding import (
    NoReembeddingError,
    ReembeddingUnderWayError,
    accept_reembedding,
    finish_reembedding,
    roll_back_reembedding,
)
from knowledge.services.references import delete_references
from knowledge.services.tags import tag_documents
from tests.engines.embedding_endpoint import Endpoint, running_endpoint
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.knowledge.reembeddings import (
    BUILT_IN,
    REMOTE,
    assert_agrees,
    change,
    confused,
    points,
    reembedding,
    reference_of,
    status,
    step,
    vectors,
    work_all,
)

TOPICS = [
    f"# Topic {number}\n\n{word} is what this note tells about.\n"
    for number, word in enumerate(
        ["Honey", "Water", "Bread", "Iron", "Music", "Paper", "Snow", "Glass", "Coffee", "Linen"]
    )
]


def ids_in(library: Library, model: str) -> set[Any]:
    return {point.id for point in points(library, model)}


def test_old_vectors_answer_until_the_new_ones_are_complete(moving: Library):
    assert reference_of(moving).embedding_model == Reference.AUTO
    assert (status(moving).documents, status(moving).stage) == (2, "embed")
    while reference_of(moving).embedding_model == Reference.AUTO:
        assert {hit.filename for hit in moving.find("bees and rivers")} == {"bees.md", "rivers.md"}
        assert step(moving)
    work_all(moving)
    row = reembedding(moving)
    assert (row.stage, row.state, row.questions, row.found_before, row.found_after) == (
        "keep",
        "waiting",
        2,
        2,
        2,
    )
    assert (
        vectors(moving, REMOTE)
        == vectors(moving, BUILT_IN)
        == ids_in(moving, REMOTE)
        == ids_in(moving, BUILT_IN)
    )
    assert {hit.filename for hit in moving.find("bees and rivers")} == {"bees.md", "rivers.md"}
    assert {one.versions["model"] for one in moving.documents().values()} == {BUILT_IN}
    assert [one.outcome for one in moving.queue(moving.upload("bees.md", BEES))] == ["unchanged"]


def test_documents_that_change_meanwhile_get_vectors_of_both_models(moving: Library):
    bees, rivers = (moving.documents()[name] for name in ("bees.md", "rivers.md"))
    moving.queue(moving.upload("later.md", BEES.replace("Bees", "Wasps")))
    moving.queue(moving.upload("rivers.md", RIVERS + "\nThe Rhine flows through six.\n"))
    tag_documents(actor=moving.person.actor, document_ids=[rivers.pk], tags=["water"])
    changes = DocumentChanges(metadata={"year": 2026})
    change_document(actor=moving.person.actor, document_id=rivers.pk, changes=changes)
    delete_documents(actor=moving.person.actor, document_ids=[bees.pk])
    work_all(moving)
    assert reference_of(moving).embedding_model == BUILT_IN
    assert points(moving, REMOTE) == points(moving, BUILT_IN)
    assert {point.document_id for point in points(moving, BUILT_IN)} == {
        one.pk for one in moving.documents().values()
    }
    assert {hit.filename for hit in moving.find("wasps and the Rhine")} == {"later.md", "rivers.md"}
    for filters in ({"tags_any": ("water",)}, {"metadata": {"year": 2026}}):
        assert [hit.filename for hit in moving.find("the Rhine", **filters)] == ["rivers.md"], filters
    assert_agrees(moving)


def test_documents_that_change_after_the_switch_can_still_be_rolled_back(moving: Library):
    work_all(moving)
    moving.queue(moving.upload("later.md", BEES.replace("Bees", "Wasps")))
    delete_documents(actor=moving.person.actor, document_ids=[moving.documents()["bees.md"].pk])
    tag_documents(
        actor=moving.person.actor, document_ids=[moving.documents()["rivers.md"].pk], tags=["water"]
    )
    work_all(moving)
    assert_agrees(moving)
    roll_back_reembedding(actor=moving.person.actor, reference=moving.reference)
    assert reference_of(moving).embedding_model == Reference.AUTO
    assert {hit.filename for hit in moving.find("wasps and rivers")} == {"later.md", "rivers.md"}
    assert [hit.filename for hit in moving.find("rivers", tags_any=("water",))] == ["rivers.md"]
    assert_agrees(moving)
    work_all(moving)
    assert (points(moving, BUILT_IN), vectors(moving, BUILT_IN)) == ([], set())
    assert len(points(moving, REMOTE)) == 2
    assert (reembedding(moving).state, moving.documents()["later.md"].versions["model"]) == (
        "cancelled",
        REMOTE,
    )
    assert_agrees(moving)


def test_change_is_rolled_back_before_the_switch(moving: Library):
    step(moving)
    step(moving)
    assert points(moving, BUILT_IN)
    roll_back_reembedding(actor=moving.person.actor, reference=moving.reference)
    work_all(moving)
    assert (points(moving, BUILT_IN), vectors(moving, BUILT_IN)) == ([], set())
    assert moving.find("bees")
    assert_agrees(moving)
    assert change(moving, embedding_model=BUILT_IN) == 0
    work_all(moving)
    assert reference_of(moving).embedding_model == BUILT_IN


def test_finishing_removes_the_old_vectors(moving: Library):
    with pytest.raises(NoReembeddingError, match="has not switched"):
        finish_reembedding(actor=moving.person.actor, reference=moving.reference)
    work_all(moving)
    finish_reembedding(actor=moving.person.actor, reference=moving.reference)
    assert_agrees(moving)
    work_all(moving)
    assert (points(moving, REMOTE), vectors(moving, REMOTE)) == ([], set())
    assert (reembedding(moving).state, len(moving.find("bees and rivers"))) == ("done", 2)
    assert_agrees(moving)
    with pytest.raises(NoReembeddingError, match="cannot be rolled back"):
        roll_back_reembedding(actor=moving.person.actor, reference=moving.reference)


def test_old_vectors_are_removed_after_seven_days(moving: Library):
    work_all(moving)
    with tenant_scope(moving.tenant_id):
        row = reembedding(moving)
        assert row.switched_at and row.available_at
        assert abs(row.available_at - row.switched_at - timedelta(days=7)) < timedelta(minutes=1)
        before = row.switched_at - timedelta(days=7)
        Reembedding.objects.update(switched_at=before, available_at=before)
    work_all(moving)
    assert (points(moving, REMOTE), reembedding(moving).state) == ([], "done")


def test_worse_model_is_refused_until_it_is_accepted(
    endpoint: Endpoint, library: Library, monkeypatch: pytest.MonkeyPatch
):
    library.queue(*(library.upload(f"{number}.md", text) for number, text in enumerate(TOPICS)))
    change(library, embedding_model=BUILT_IN)
    library.work()
    monkeypatch.setattr("knowledge.reembedding.recall.FOUND_AMONG", 1)
    assert change(library, embedding_model=REMOTE) == 0
    monkeypatch.setattr(endpoint, "embedder", SimpleNamespace(embed=confused))
    work_all(library)
    row = reembedding(library)
    assert (row.stage, row.questions, row.found_before) == ("refused", len(TOPICS), len(TOPICS))
    assert row.found_after is not None and row.found_after < len(TOPICS) - 1
    assert (reference_of(library).embedding_model, len(library.find("bees"))) == (BUILT_IN, len(TOPICS))
    assert_agrees(library)
    accept_reembedding(actor=library.person.actor, reference=library.reference)
    work_all(library)
    assert (reference_of(library).embedding_model, reembedding(library).stage) == ("", "keep")


def test_failures_are_shown_and_tried_again(endpoint: Endpoint, library: Library):
    library.queue(library.upload("bees.md", BEES))
    change(library, embedding_model=BUILT_IN)
    library.work()
    change(library, embedding_model=REMOTE)
    endpoint.response = (401, b'{"error": {"message": "wrong key"}}')
    work_all(library)
    assert status(library).left == 1
    assert "wrong key" in status(library).problem
    assert library.find("bees")
    endpoint.response = None
    work_all(library)
    assert status(library).left == 1
    change(library, embedding_model=REMOTE)  # the same again: now
    work_all(library)
    assert reference_of(library).embedding_model == ""


def test_used_up_quota_is_shown_and_goes_on_when_it_is_raised(moving: Library):
    with tenant_scope(moving.tenant_id):
        quota = QuotaLimit.objects.create(kind=QuotaKind.EMBEDDING, amount=1)
    work_all(moving)
    assert "quota" in status(moving).problem and status(moving).left == 2
    with tenant_scope(moving.tenant_id):
        quota.delete()
    assert moving.find("bees")
    change(moving, embedding_model=BUILT_IN)  # the same again: now
    work_all(moving)
    assert reference_of(moving).embedding_model == BUILT_IN


def test_questions_of_the_check_are_charged(moving: Library):
    while reembedding(moving).stage == "embed":
        step(moving)
    with tenant_scope(moving.tenant_id):
        quota = QuotaLimit.objects.create(kind=QuotaKind.EMBEDDING, amount=1)
    work_all(moving)
    assert (reembedding(moving).stage, "quota" in status(moving).problem) == ("check", True)
    with tenant_scope(moving.tenant_id):
        quota.delete()
    change(moving, embedding_model=BUILT_IN)  # the same again: now
    work_all(moving)
    assert reference_of(moving).embedding_model == BUILT_IN


def test_rollback_gives_the_choice_back_to_whom_it_was(library: Library, endpoint: Endpoint):
    """To a person, who has chosen the installation's own model, or to the documents."""
    library.add("bees.md", BEES)
    for before in ("", Reference.AUTO):
        change(library, embedding_model=before)
        assert change(library, embedding_model=BUILT_IN) == 0
        work_all(library)
        assert reference_of(library).embedding_model == BUILT_IN
        roll_back_reembedding(actor=library.person.actor, reference=library.reference)
        assert reference_of(library).embedding_model == before
        work_all(library)


def test_old_model_that_answers_no_more_does_not_stop_the_change(endpoint: Endpoint, moving: Library):
    endpoint.response = (500, b"gone")
    work_all(moving)
    assert (reembedding(moving).found_before, reembedding(moving).found_after) == (None, 2)
    assert moving.find("bees")


def test_former_model_of_the_installation_answers_again_at_once(library: Library, settings: Any):
    library.add("bees.md", BEES)
    with running_endpoint(embedder_named(BUILT_IN)) as endpoint:
        settings.EMBEDDING_URL, settings.EMBEDDING_MODEL = endpoint.url, REMOTE
        assert library.find("bees") == []
        change(library, embedding_model=BUILT_IN)
        work_all(library)
        assert [hit.filename for hit in library.find("bees")] == ["bees.md"]
        assert (reembedding(library).state, reembedding(library).found_before) == ("done", 0)
        change(library, embedding_model=REMOTE)
        work_all(library)
        assert (reference_of(library).embedding_model, reembedding(library).stage) == ("", "keep")
        assert_agrees(library)


def test_second_change_waits_for_the_first(moving: Library, settings: Any):
    with pytest.raises(InvalidError, match="not configured"):
        change(moving, embedding_model="gpt-9")
    work_all(moving)
    with pytest.raises(ReembeddingUnderWayError, match="are still kept"):
        change(moving, embedding_model="")


def test_passages_too_long_for_the_new_model_are_cut_anew(moving: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedder_named(BUILT_IN), "max_tokens", 12)
    work_all(moving)
    assert reference_of(moving).embedding_model == BUILT_IN
    with tenant_scope(moving.tenant_id):
        assert set(Chunk.objects.values_list("generation", flat=True)) == {2}
        assert all(count <= 12 for count in Chunk.objects.values_list("token_count", flat=True))
    assert_agrees(moving)


def test_deleted_reference_leaves_nothing(moving: Library):
    step(moving)
    delete_references(actor=moving.person.actor, references=[reference_of(moving)])
    work_all(moving)
    assert points(moving, REMOTE) == points(moving, BUILT_IN) == []
    assert reembedding(moving).state == "cancelled"
    assert_agrees(moving)
