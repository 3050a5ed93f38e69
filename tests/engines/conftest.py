"""Both vector stores for their contract, and a warm parser."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from engines.parsing import ParsedDocument, Parser
from engines.vectors import Filter, VectorStore
from knowledge.engine_config import file_parser
from tests.engines.points import ACME, NAME, STRANGER
from tests.engines.reading import Read
from tests.environment import SHARED

collect_ignore = [] if (SHARED / "data").is_dir() else ["test_real_documents.py"]


@pytest.fixture(scope="session")
def edge() -> Iterator[VectorStore]:
    from engines.vectors.edge import EdgeStore

    folder = Path(tempfile.mkdtemp(prefix="oyl-"))  # pytest's own are too long for a socket
    path = folder / "v.sock"
    command = [
        sys.executable,
        "-m",
        "engines.vectors.edge_process",
        "--socket",
        str(path),
        "--dir",
        str(folder / "d"),
        "--passwords",
        str(folder / "passwords.json"),
    ]
    (folder / "passwords.json").write_text('{"vectors": "a password"}')
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.05)
        yield EdgeStore(path, "a password")
    finally:
        process.terminate()
        assert process.wait(10) == 0
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server() -> VectorStore:
    from qdrant_client import QdrantClient

    from engines.vectors.server import QdrantServerStore

    return QdrantServerStore(client=QdrantClient(":memory:"))


@pytest.fixture(params=["edge", "server"])
def store(request: pytest.FixtureRequest) -> VectorStore:
    found: VectorStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def name(store: VectorStore) -> Iterator[str]:
    """One collection for all tests, because a new one takes the engine a second; emptied after each."""
    yield NAME
    for tenant in (ACME, STRANGER):
        if left := store.scroll(tenant, NAME, Filter(), limit=1_000_000):
            store.delete(tenant, NAME, Filter(point_ids=tuple(point.id for point in left)))
        assert store.scroll(tenant, NAME, Filter()) == []


@pytest.fixture(scope="session")
def shared_parser() -> Iterator[Parser]:
    """The application's own."""
    parser = file_parser()
    yield parser
    parser.close()


@pytest.fixture
def read(shared_parser: Parser, tmp_path: Path) -> Read:
    """Parse bytes; as in the storage, the file's own name does not show its type."""

    def read(name: str, data: bytes) -> ParsedDocument:
        path, workdir = tmp_path / "1", tmp_path / "work"
        path.write_bytes(data)
        workdir.mkdir()
        return shared_parser.parse(uuid4(), path, filename=name, workdir=workdir)

    return read
