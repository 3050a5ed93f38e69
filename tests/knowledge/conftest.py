"""Libraries for the cast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.engine_config import embedder_named
from tests.conftest import Person
from tests.engines.embedding_endpoint import Endpoint, running_endpoint
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.knowledge.reembeddings import BUILT_IN, REMOTE, change


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "own")


@pytest.fixture
def foreign_library(stranger: Person, tmp_path: Path) -> Library:
    return make_library(stranger, tmp_path / "foreign")


@pytest.fixture
def endpoint(settings: Any) -> Iterator[Endpoint]:
    """A second model: the built-in one, and the same one behind HTTP, which is the default then."""
    with running_endpoint(embedder_named(BUILT_IN)) as server:
        settings.EMBEDDING_URL, settings.EMBEDDING_MODEL = server.url, REMOTE
        yield server


@pytest.fixture
def moving(endpoint: Endpoint, library: Library) -> Library:
    """Two documents, and a change of the model that has just been asked for."""
    library.queue(library.upload("bees.md", BEES), library.upload("rivers.md", RIVERS))
    library.work()
    assert change(library, embedding_model=BUILT_IN) == 0
    return library
