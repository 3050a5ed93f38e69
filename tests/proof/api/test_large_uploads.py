"""A large upload takes no memory."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.reports import Row
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.knowledge.libraries import make_library
from tests.proof.api.conftest import GROWTH_MB, MemoryWatch, ServerProcess
from tests.proof.conftest import Size
from tests.support.api_client import Caller

BOUNDARY, LINE = "fifty-seven-zebras", b"A line of sixty-four characters, which says nothing to anybody.\n"
BLOCK = LINE * 1024


def form(reference: str, pieces: int) -> tuple[int, Iterator[bytes]]:
    """Return the length and the parts of the form."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="reference"\r\n\r\n{reference}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="large.txt"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = len(head) + pieces * len(BLOCK) + len(tail)
    return length, iter([head, *[BLOCK] * pieces, tail])


def upload(address: str, caller: Caller, reference: str, megabytes: int) -> int:
    length, parts = form(reference, megabytes * 1_000_000 // len(BLOCK))
    headers = {
        "Authorization": f"Bearer {caller.key.secret}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
        "Idempotency-Key": f"{megabytes} MB",
    }
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=300)
    connection.request("POST", "/api/v1/documents/upload/", body=parts, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_memory_stays_flat(
    owner, caller: Caller, server: ServerProcess, tmp_path: Path, size: Size, measured: list[Row], settings
):
    library, megabytes = make_library(owner, tmp_path), size(100, 500)
    for small in (4, 5):  # the first file, and the first that replaces one, load modules
        assert upload(server.address, caller, str(library.reference.pk), small) == 202
    with MemoryWatch(server.process) as watch:
        assert upload(server.address, caller, str(library.reference.pk), megabytes) == 202
    with tenant_scope(owner.tenant_id):
        document = Document.objects.get(size_bytes__gt=megabytes * 900_000)
    stored = settings.LAYOUT.files / document.file_path
    assert stored.stat().st_size == document.size_bytes
    stored.unlink()
    what = f"Memory that an upload of {megabytes} MB takes, with all that it passes through"
    growth, target = f"{watch.growth_mb:.0f} MB", f"≤ {GROWTH_MB} MB"
    measured.append({"What": what, "Measured": growth, "Target": target})
    assert watch.growth_mb <= GROWTH_MB
