"""Names that an attacker, or another operating system, may give: none is lost, none leads out, none ends the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.core.outbound.servers import PUBLIC
from tests.knowledge.connectors.benches import KEYS, SIGNED, Bench

COMPOSED, DECOMPOSED = "caf\u00e9.md", "cafe\u0301.md"
NAMES = (
    COMPOSED,
    DECOMPOSED,
    "CASE.md",
    "case.md",
    "line\nbreak.md",
    "right\u202eleft.md",
    "back\\slash.md",
    "..md",
    "'; DROP TABLE documents.md",
    "=cmd|x.md",
    "%2e%2e%2fetc.md",
    f"{'n' * 250}.md",
)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    made = tmp_path / "handbooks"
    made.mkdir()
    settings.CONNECTOR_FOLDERS = [str(made)]
    return made


def test_names_of_a_folder(bench: Bench, folder: Path):
    visible = [name for name in NAMES if not name.startswith(".")]
    for number, name in enumerate(visible):
        (folder / name).write_text(f"# Number {number}\n\nText.\n")
    (folder / os.fsdecode(b"\xff\xfe.md")).write_text("# No UTF-8\n")
    deep = folder.joinpath(*["d" * 200] * 12)
    deep.mkdir(parents=True)
    (deep / "one.md").write_text("# Deep\n\nOne.\n")
    (deep / "two.md").write_text("# Deep\n\nTwo.\n")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.md")
    connector = bench.connector("folder", {"path": str(folder)})
    count = len(visible) + 3
    assert bench.counts(connector) == (count, 0, 0, 0, 1)  # the loop
    assert bench.counts(connector) == (0, 0, count, 0, 1)
    assert len({*bench.bodies().values()}) == count


def test_names_of_a_store(bench: Bench):
    """Without a line break, which the server of the test does not take."""
    server = ThreadedMotoServer(ip_address=PUBLIC, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    bucket = httpx.Client(base_url=f"{address}/names/", headers=SIGNED)
    bucket.put("")
    names = [
        *(name for name in NAMES if "\n" not in name),
        f"{'p' * 200}/{'q' * 200}/{'r' * 200}/{'s' * 300}.md",
    ]
    for number, name in enumerate(names):
        assert bucket.put(quote(name), content=f"# {number}\n\nText.\n".encode()).status_code == 200, name
    integration = {"url": address, "bucket": "names", **KEYS}
    connector = bench.connector("s3", {}, integration)
    assert bench.counts(connector) == (len(names), 0, 0, 0, 0)
    assert bench.counts(connector) == (0, 0, len(names), 0, 0)
    assert len({*bench.bodies().values()}) == len(names)
    server.stop()
