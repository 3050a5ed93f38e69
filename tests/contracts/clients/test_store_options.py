"""What OpenAI's newest clients ask of vector stores: equal names, chunking, large batches, attributes of their types."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.contracts.clients.conftest import named_file
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.support.api_client import Caller


def test_stores_may_have_the_same_name(client: OpenAI, store):
    names = [client.vector_stores.create(name="Printers").name for _ in range(3)]
    assert names == ["Printers", "Printers (2)", "Printers (3)"]
    renamed = client.vector_stores.update(store.id, name="Printers (2)")
    assert renamed.name == "Printers (2) (2)"
    assert client.vector_stores.update(store.id, name=renamed.name).name == renamed.name


@pytest.mark.usefixtures("worker")
def test_store_splits_its_files_as_it_was_made(client: OpenAI, store):
    strategy: Any = {
        "type": "static",
        "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20},
    }
    sizes = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}
    small = client.vector_stores.create(name="Small", extra_body={"chunking_strategy": strategy})
    text = "".join(f"The bee of number {number} flies to a flower, and back again. " for number in range(60))
    counts = []
    for one, options in ((small, {"chunking_strategy": strategy}), (store, {})):
        added = client.vector_stores.files.upload_and_poll(
            vector_store_id=one.id, file=named_file("bees.md", text), poll_interval_ms=100, **options
        )
        assert added.status == "completed" and added.chunking_strategy
        counts.append(len(list(client.vector_stores.search(one.id, query="bee", max_num_results=50))))
        if options:
            assert added.chunking_strategy.to_dict() == {"type": "static", "static": sizes}
    assert counts[0] > 2 * counts[1]
    file = client.files.create(file=named_file("more.md", text), purpose="assistants")
    for one in (small, store):
        auto: Any = {"type": "auto"}
        client.vector_stores.files.create(one.id, file_id=file.id, chunking_strategy=auto)
        client.vector_stores.file_batches.create(one.id, file_ids=[file.id], chunking_strategy=auto)
    client.vector_stores.create(name="Auto", file_ids=[file.id], chunking_strategy={"type": "auto"})
    attached = {"file_id": file.id, "chunking_strategy": strategy}
    for refuse in (
        lambda: client.vector_stores.files.create(vector_store_id=store.id, **attached),
        lambda: client.vector_stores.file_batches.create(store.id, files=[attached]),  # type: ignore[list-item]
    ):
        with pytest.raises(openai.BadRequestError, match="this one: auto") as refused:
            refuse()
        assert refused.value.param == "chunking_strategy"


@pytest.mark.parametrize(
    "strategy",
    [
        {"type": "nonsense"},
        {"type": "static"},
        {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
        {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 60}},
        {"type": "static", "static": {"max_chunk_size_tokens": -5}},
    ],
)
def test_chunking_that_cannot_be_is_refused(client: OpenAI, strategy):
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.create(name="None", extra_body={"chunking_strategy": strategy})
    assert refused.value.param and refused.value.param.startswith("chunking_strategy")


def test_batch_has_up_to_2000_files_of_one_kind(client: OpenAI, store):
    file = client.files.create(file=named_file("bees.md", BEES), purpose="assistants")
    create = client.vector_stores.file_batches.create
    for wrong in (
        {"file_ids": [file.id], "files": [{"file_id": file.id}]},
        {"file_ids": [file.id] * 2001},
        {},
    ):
        with pytest.raises(openai.BadRequestError, match="file_ids"):
            create(store.id, **wrong)
    assert create(store.id, file_ids=[file.id] * 2000).file_counts.total == 1


def test_metadata_that_attributes_cannot_be_is_kept_and_not_shown(
    client: OpenAI, library: Library, caller: Caller
):
    document = library.add("rivers.md", RIVERS)
    other = {"authors": ["Ada"], "gone": None, "long": "x" * 600, "k" * 70: 1}
    path = f"documents/{document.pk}/"
    assert caller("patch", path, {"metadata": {**other, "year": 2025, "is_new": True}}).status_code == 200
    store_id, file_id = f"vs_{library.reference.pk.hex}", f"file-{document.pk.hex}"
    file = client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
    assert file.attributes == {"year": 2025, "is_new": True}
    client.vector_stores.files.update(file_id, vector_store_id=store_id, attributes={"year": 2026})
    assert caller("get", path).json()["metadata_json"] == {**other, "year": 2026}


@pytest.mark.usefixtures("worker")
def test_batch_that_was_read_stays_completed_when_it_is_cancelled(client: OpenAI, store):
    batch = client.vector_stores.file_batches.upload_and_poll(
        store.id, files=[named_file("bees.md", BEES)], poll_interval_ms=100
    )
    cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (cancelled.status, cancelled.file_counts.completed) == ("completed", 1)
