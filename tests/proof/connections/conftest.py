from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from benchmarks.reports import Row
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.conftest import Person, make_owner
from tests.knowledge.libraries import BEES, make_library
from tests.proof.conftest import Report, Size
from tests.proof.connections.server import Server, without_limits
from tests.support.api_client import Caller, make_caller
from tests.support.server import running_server

LARGE_BYTES = 30_000_000


@pytest.fixture(scope="session")
def measured(report: Report) -> Iterator[list[Row]]:
    """The figures of the harness's tests, reported after the last of them."""
    rows: list[Row] = []
    yield rows
    if rows:
        report("connections", rows)


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def caller(owner: Person) -> Caller:
    return make_caller(owner)


@pytest.fixture(scope="module")
def queued(owner: Person, tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A document that no worker processes, and whose original is large."""
    library = make_library(owner, tmp_path_factory.mktemp("connections"))
    (added,) = library.queue(library.upload("bees.md", BEES))
    with tenant_scope(owner.tenant_id):
        document: Document = Document.objects.get(pk=added.document_id)
    with (settings.LAYOUT.files / document.file_path).open("r+b") as original:
        original.truncate(LARGE_BYTES)
    return document


@pytest.fixture(scope="module")
def server(database: None, owner: Person, caller: Caller, queued: Document, size: Size) -> Iterator[Server]:
    """It has no limits of streams and downloads, and its waits are shorter in the suite."""
    seconds = {"HEADER_SECONDS": size(1, 10), "SLOW_SECONDS": size(1, 30)}
    with running_server(lambda application: without_limits(application, seconds)) as address:
        yield Server(address)
