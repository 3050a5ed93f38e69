"""A reference changes its embedding model again and again, and people change its documents, while the worker is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from knowledge.engine_config import embedder_named
from knowledge.models import IngestionJob, Reembedding
from knowledge.search.service import search
from knowledge.services.changing import delete_documents
from knowledge.services.reembedding import finish_reembedding, roll_back_reembedding
from knowledge.services.tags import tag_documents
from tests.conftest import Person
from tests.engines.embedding_endpoint import running_endpoint
from tests.knowledge.libraries import Library, make_library
from tests.knowledge.reembeddings import (
    BUILT_IN,
    REMOTE,
    assert_agrees,
    change,
    end_all_leases,
    points,
    reference_of,
    status,
    vectors,
    work_all,
)
from tests.proof import killable
from tests.proof.conftest import Size

DOCUMENTS, LONGEST_LIFE = 12, 2.0


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "own")


def test_kills_lose_and_strand_nothing(library: Library, settings: Any, size: Size):
    random, kills = Random(13), 0
    with running_endpoint(embedder_named(BUILT_IN)) as endpoint:
        settings.EMBEDDING_URL, settings.EMBEDDING_MODEL = endpoint.url, REMOTE
        add(library, *range(DOCUMENTS))
        library.work()
        while kills < size(4, 200):
            before = found(library)
            decide(library, random)
            disturb(library, random)
            worker = killable.start(lambda: work_all(library))
            time.sleep(random.uniform(0, LONGEST_LIFE))
            kills += worker.kill()
            end_all_leases(library)
            assert found(library) >= before & names(library)
        work_all(library)
        assert_complete(library)


def decide(library: Library, random: Random) -> None:
    """What a person would do next."""
    actor, reference, stage = library.person.actor, library.reference, status(library).stage
    if stage == "keep":
        random.choice((roll_back_reembedding, finish_reembedding))(actor=actor, reference=reference)
    elif stage == "embed" and random.random() < 0.2:
        roll_back_reembedding(actor=actor, reference=reference)
    elif stage == "":
        change(library, embedding_model="" if reference_of(library).embedding_model else BUILT_IN)


def disturb(library: Library, random: Random) -> None:
    """Change one of the documents."""
    actor, documents = library.person.actor, library.documents()
    one = documents[random.choice(sorted(documents))]
    number = int(one.filename.partition(".")[0])
    ways: tuple[Callable[[], object], ...] = (
        lambda: add(library, number, more=f"Changed for the {random.random()}th time."),
        lambda: add(library, max(int(name.partition(".")[0]) for name in documents) + 1),
        lambda: tag_documents(actor=actor, document_ids=[one.pk], tags=[f"tag {number}"]),
        lambda: delete_documents(actor=actor, document_ids=[one.pk]) if len(documents) > 3 else None,
    )
    random.choice(ways)()


def add(library: Library, *numbers: int, more: str = "") -> None:
    """A file of each number."""
    texts = {
        f"{one}.md": f"# Note {one}\n\nHoney number {one} is kept in the hive. {more}\n" for one in numbers
    }
    library.queue(*(library.upload(name, text) for name, text in texts.items()))


def names(library: Library) -> set[str]:
    return {one.filename for one in library.documents().values()}


def found(library: Library) -> set[str]:
    query = "Honey is kept in the hive"
    hits = search(actor=library.person.actor, query=query, limit=100, min_score=0, audited=False)
    return {hit.filename for hit in hits}


def assert_complete(library: Library) -> None:
    """Everything is found, both stores agree, and nothing is left of what was removed."""
    assert found(library) == names(library)
    for model in (REMOTE, BUILT_IN):
        assert {point.id for point in points(library, model)} == vectors(library, model)
    with tenant_scope(library.tenant_id):
        assert not IngestionJob.objects.unfinished().exists()
        assert not Reembedding.objects.unfinished().exclude(stage="keep").exists()
    assert_agrees(library)
