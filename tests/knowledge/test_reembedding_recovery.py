"""Workers that die, and documents and people that change something, while a reference changes its embedding model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from django.db import connection

from jobs import worker
from jobs.handlers import handler_of
from knowledge.ingestion import publishing, second_vectors
from knowledge.models import Reembedding
from knowledge.reembedding import steps
from knowledge.services.reembedding import finish_reembedding, roll_back_reembedding
from knowledge.services.tags import tag_documents
from tests.engines.embedding_endpoint import Endpoint
from tests.knowledge.interruptions import Killed, before, delete, kill, once
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.knowledge.reembeddings import (
    BUILT_IN,
    REMOTE,
    assert_agrees,
    change,
    end_all_leases,
    points,
    reembedding,
    reference_of,
    step,
    vectors,
    work_all,
)

EMBEDDING = [
    (steps, "queue_documents"),
    (steps, "unfinished_jobs"),
    (second_vectors, "embed"),
    (second_vectors, "index"),
    (second_vectors, "insert_rows"),
    (second_vectors, "continue_idle"),
    (steps, "measure"),
    (steps, "set_answering_model"),
    (steps, "continue_now"),
    (steps, "update_rows"),
]


def kill_once(library: Library, module: ModuleType, name: str) -> None:
    """Work until a worker is killed just before the named function, and let its leases end."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        before(patch, module, name, kill)
        work_all(library)
    end_all_leases(library)


def during(library: Library, name: str, callback: Callable[[], object]) -> None:
    """Work, and call the callback once, just before the named function of the work on documents."""
    with pytest.MonkeyPatch.context() as patch:
        before(patch, second_vectors, name, once(callback))
        work_all(library)


@pytest.mark.parametrize(("module", "name"), EMBEDDING, ids=[name for _, name in EMBEDDING])
def test_worker_killed_before_the_switch_loses_nothing(moving: Library, module: ModuleType, name: str):
    kill_once(moving, module, name)
    assert {hit.filename for hit in moving.find("bees and rivers")} == {"bees.md", "rivers.md"}
    assert_agrees(moving)
    work_all(moving)
    assert (reembedding(moving).stage, reference_of(moving).embedding_model) == ("keep", BUILT_IN)
    assert len(vectors(moving, BUILT_IN)) == len(points(moving, BUILT_IN)) == 2
    assert {hit.filename for hit in moving.find("bees and rivers")} == {"bees.md", "rivers.md"}
    assert_agrees(moving)


@pytest.mark.parametrize("name", ["vector_store", "_remove_rows"])
def test_worker_killed_while_it_removes_leaves_nothing(moving: Library, name: str):
    work_all(moving)
    finish_reembedding(actor=moving.person.actor, reference=moving.reference)
    kill_once(moving, steps, name)
    assert_agrees(moving)
    work_all(moving)
    assert (points(moving, REMOTE), vectors(moving, REMOTE)) == ([], set())
    assert_agrees(moving)


def test_vectors_of_a_killed_worker_are_not_made_again(endpoint: Endpoint, library: Library):
    change(library, embedding_model=BUILT_IN)
    library.add("bees.md", BEES)
    change(library, embedding_model=REMOTE)
    kill_once(library, second_vectors, "insert_rows")
    before_retry = [text for request in endpoint.requests for text in request["input"]]
    step(library)
    assert [text for request in endpoint.requests for text in request["input"]] == before_retry
    assert len(vectors(library, REMOTE)) == 1


def test_document_published_with_the_former_model_after_the_switch_is_done_again(
    moving: Library, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(3):  # until only the check is left
        step(moving)
    moving.queue(moving.upload("later.md", BEES.replace("Bees", "Wasps")))

    def switch() -> None:
        try:
            worker.work(handler_of(Reembedding), moving.tenant_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        before(monkeypatch, publishing, "share_models", once(lambda: pool.submit(switch).result()))
        step(moving)
    assert reference_of(moving).embedding_model == BUILT_IN
    assert "later.md" not in {hit.filename for hit in moving.find("wasps")}
    work_all(moving)
    assert {hit.filename for hit in moving.find("wasps")} == {"bees.md", "rivers.md", "later.md"}
    assert len(points(moving, REMOTE)) == len(points(moving, BUILT_IN)) == 3
    assert_agrees(moving)


@pytest.mark.parametrize("name", ["embed", "index"])
def test_tag_set_meanwhile_reaches_both_models(moving: Library, name: str):
    ids = [moving.documents()["rivers.md"].pk]
    during(moving, name, lambda: tag_documents(actor=moving.person.actor, document_ids=ids, tags=["water"]))
    assert points(moving, REMOTE) == points(moving, BUILT_IN)
    assert [hit.filename for hit in moving.find("rivers", tags_any=("water",))] == ["rivers.md"]
    assert_agrees(moving)


def test_document_replaced_meanwhile_leaves_no_older_points(moving: Library):
    def replace_and_publish() -> None:
        moving.queue(moving.upload("rivers.md", RIVERS + "\nThe Rhine flows through six.\n"))
        moving.work()

    during(moving, "index", replace_and_publish)
    assert points(moving, REMOTE) == points(moving, BUILT_IN)
    assert_agrees(moving)


def test_document_deleted_meanwhile_leaves_no_points(moving: Library):
    bees = moving.documents()["bees.md"]

    def delete_and_purge() -> None:
        delete(moving, bees.pk)
        step(moving)

    during(moving, "index", delete_and_purge)
    assert points(moving, BUILT_IN, bees.pk) == []
    assert reference_of(moving).embedding_model == BUILT_IN
    assert_agrees(moving)


def test_change_rolled_back_meanwhile_leaves_no_vectors(moving: Library):
    def roll_back() -> None:
        roll_back_reembedding(actor=moving.person.actor, reference=moving.reference)
        step(moving)

    during(moving, "index", roll_back)
    assert reembedding(moving).state == "cancelled"
    assert (points(moving, BUILT_IN), vectors(moving, BUILT_IN)) == ([], set())
    assert_agrees(moving)
