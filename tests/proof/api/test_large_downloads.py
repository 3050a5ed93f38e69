"""A large download takes no memory, and a client that disconnects leaves no file open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from benchmarks.reports import Row
from knowledge.models import Document
from tests.conftest import Person, make_owner
from tests.knowledge.libraries import BEES, make_library
from tests.proof.api.conftest import GROWTH_MB, MemoryWatch, ServerProcess
from tests.proof.conftest import Size

BLOCK, END, TIMEOUT_SECONDS = 1 << 20, b"the end", 10
DOORS = {
    "REST": "/api/v1/documents/{}/content/",
    "OpenAI's clients": "/v1/files/{}/content",
    "admin": "/admin/knowledge/document/{}/download/",
}
Ask = Callable[[str], AbstractContextManager[HTTPResponse]]
by_every_door = pytest.mark.parametrize("door", DOORS)


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def document(owner: Person, tmp_path_factory: pytest.TempPathFactory) -> Document:
    return make_library(owner, tmp_path_factory.mktemp("large")).add("bees.md", BEES)


@pytest.fixture(scope="module")
def original(document: Document) -> Path:
    found: Path = settings.LAYOUT.files / document.file_path
    return found


@pytest.fixture
def ask(owner: Person, document: Document, server: ServerProcess) -> Ask:
    """`with ask(door) as response:` requests the document with the cookie of a browser."""
    cookie = owner.client.cookies.output(attrs=[], header="", sep=";")

    @contextmanager
    def request(door: str) -> Iterator[HTTPResponse]:
        connection = HTTPConnection(urlsplit(server.address).netloc, timeout=300)
        connection.request("GET", DOORS[door].format(document.pk), headers={"Cookie": cookie})
        response = connection.getresponse()
        assert response.status == 200
        yield response
        connection.close()

    return request


def grow(file: Path, megabytes: int) -> int:
    """Make the file a sparse one of that size, with END after it; return its size in bytes."""
    with file.open("wb") as opened:
        opened.seek(megabytes * 1_000_000)
        opened.write(END)
    return file.stat().st_size


def read(response: HTTPResponse) -> tuple[int, bytes]:
    """Return the number of bytes and the last of them."""
    length, last = 0, b""
    while piece := response.read(BLOCK):
        length, last = length + len(piece), last + piece
        last = last[-len(END) :]
    return length, last


@by_every_door
def test_memory_stays_flat(
    door: str, ask: Ask, original: Path, server: ServerProcess, size: Size, measured: list[Row]
):
    megabytes = size(200, 500)
    for size_mb in (4, megabytes):  # the first request loads modules
        whole = grow(original, size_mb)
        with MemoryWatch(server.process) as watch, ask(door) as response:
            assert response.headers["Content-Length"] == str(whole)
            assert read(response) == (whole, END)
    what = f"Memory that a download of {megabytes} MB by the door for {door} takes"
    growth, target = f"{watch.growth_mb:.0f} MB", f"≤ {GROWTH_MB} MB"
    measured.append({"What": what, "Measured": growth, "Target": target})
    assert watch.growth_mb <= GROWTH_MB


@by_every_door
def test_disconnected_client_leaves_no_file_open(door: str, ask: Ask, original: Path, server: ServerProcess):
    grow(original, 200)

    def is_open() -> bool:
        return str(original) in {file.path for file in server.process.open_files()}

    with ask(door) as response:
        response.read(BLOCK)
        assert is_open()
    until = time.monotonic() + TIMEOUT_SECONDS
    while is_open():
        assert time.monotonic() < until, "it is still open"
        time.sleep(0.05)
