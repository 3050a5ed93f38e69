from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from engines.parsing import ParsedDocument, launch
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess
from tests.proof.intrusion.machine import Targets

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits(seconds=20, memory_mb=2500, output_mb=8, text_mb=8, ocr_pages=1)
FILES = ("secrets.json", "celerybeat-schedule", "models/model.onnx", "files/tenant/contract.txt", "notes")


class Intruder:
    """Sends files to a parser process whose readers are attacks."""

    def __init__(self, parser: ParserProcess, folder: Path, targets: Targets) -> None:
        self.parser, self.targets, self._folder = parser, targets, folder

    def send(self, attack: str, filename: str = "hostile.doc", **details: Any) -> ParsedDocument:
        """The reader of such a file may start programs."""
        path, workdir = self._folder / uuid4().hex, self._folder / uuid4().hex
        path.write_text(json.dumps({"attack": attack, **details} | self.targets | details))
        workdir.mkdir()
        return self.parser.parse(uuid4(), path, filename=filename, workdir=workdir)

    def read(self, attack: str, **details: Any) -> dict[str, Any]:
        (element,) = self.send(attack, **details).elements
        return dict(json.loads(element.text))


@contextmanager
def kernel(*, without: str) -> Iterator[None]:
    """Parser processes that start inside the block are infected, and find a kernel `without` these layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "MODULE", "tests.proof.intrusion.infected")
        patch.setitem(launch.ENVIRONMENT, "INTRUSION_WITHOUT", without)
        yield


@contextmanager
def intruder(targets: Targets, *, without: str = "", limits: Limits = LIMITS) -> Iterator[Intruder]:
    """An infected parser on a kernel `without` these layers."""
    with kernel(without=without), tempfile.TemporaryDirectory() as folder:
        parser = ParserProcess(limits)
        try:
            yield Intruder(parser, Path(folder), targets)
        finally:
            parser.kill()


@pytest.fixture(scope="module")
def targets(database: None) -> Iterator[Targets]:
    """A data folder with a secret, another tenant's file and the rest, which is not below a temporary folder; a worker, and
    the suite's services."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oyl-data-", dir="/dev/shm")))
        for name in FILES:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text("a secret")
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(f"\0{data.name}")
        listener.listen()
        run = settings.LAYOUT.run
        yield {
            **stack.enter_context(_victim()),
            "data": str(data),
            "secrets": str(data / FILES[0]),
            "tenant_file": str(data / FILES[3]),
            "notes": str(data / FILES[4]),
            "abstract": data.name,
            "postgres": str(run / ".s.PGSQL.5432"),
            "redis": str(settings.LAYOUT.redis_socket),
            "vectors": str(settings.VECTOR_SOCKET),
            "too_many_mb": LIMITS.folder_mb + 20,
        }


@contextmanager
def _victim() -> Iterator[Targets]:
    command = [sys.executable, "-m", "tests.proof.intrusion.victim"]
    environment = {**os.environ, "SECRET_KEY": "the key of a worker"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as worker:
        assert worker.stdout
        yield json.loads(worker.stdout.readline())
        worker.kill()
