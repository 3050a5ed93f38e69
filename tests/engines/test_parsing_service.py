"""The parser service: workers read through its socket what they would read with processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from engines.parsing import ParsedDocument, ParseError, Parser
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tests.engines.reading import pdf, zipped

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "files"
SAMPLES = {
    "a.txt": b"words",
    "a.md": b"# A title\n\nand words",
    "a.html": b"<h1>A title</h1><p>and words",
    "a.csv": b"name,number\nwords,1\n",
    "a.json": b'{"name": "words"}',
    "a.xml": b"<?xml version='1.0'?><a>words</a>",
    "a.rst": b"Title\n=====\n\nwords\n",
    "a.org": b"* Title\nwords\n",
    "a.rtf": rb"{\rtf1 words\par}",
    "a.eml": b"From: a@b.c\nTo: c@b.a\nSubject: words\nMessage-ID: <1@b.c>\n\nwords\n",
    "a.pdf": pdf(b"BT /F 8 Tf 9 9 Td (words) Tj ET"),
    "a.zip": zipped({"inside.txt": "words", "folder/b.md": "# words"}),
    **{
        name: (FILES / name).read_bytes()
        for name in ("harvest.xls", "hive-book.odt", "inspection.msg", "photo.heic")
    },
}


@pytest.fixture(scope="module")
def service() -> Iterator[Path]:
    """The service as a process of its own, in a folder of its own, with nothing of this environment."""
    folder = Path(tempfile.mkdtemp(prefix="oyl-service-"))
    path = folder / "parser.sock"
    command = [sys.executable, "-m", "engines.parsing.service", "--socket", str(path)]
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        yield path
        assert process.poll() is None
        process.kill()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def remote(service: Path) -> Iterator[PooledParser]:
    parser = PooledParser(replace(parser_config(), service=service))
    yield parser
    parser.close()


def parse(parser: Parser, folder: Path, name: str, data: bytes) -> ParsedDocument:
    path, workdir = folder / "1", folder / uuid4().hex
    path.write_bytes(data)
    path.chmod(0o600)
    workdir.mkdir()
    return parser.parse(uuid4(), path, filename=name, workdir=workdir)


@pytest.mark.parametrize("name", SAMPLES)
def test_service_reads_like_own_processes(
    remote: PooledParser, shared_parser: Parser, tmp_path: Path, name: str
) -> None:
    found = parse(remote, tmp_path, name, SAMPLES[name])
    own = parse(shared_parser, tmp_path, name, SAMPLES[name])
    assert found.elements or found.members
    assert replace(found, members=()) == replace(own, members=())
    contents = [[(each.name, each.path.read_bytes()) for each in read.members] for read in (found, own)]
    assert contents[0] == contents[1]


def test_parsers_are_the_services_children_and_end_with_the_connection(service: Path, tmp_path: Path) -> None:
    (own,) = [child for child in psutil.Process().children() if str(service) in child.cmdline()]
    before = set(own.children())
    parser = PooledParser(replace(parser_config(), service=service))
    parse(parser, tmp_path, "a.txt", b"words")
    (started,) = set(own.children()) - before
    parser.close()
    assert psutil.wait_procs([started], timeout=10)[1] == []


def test_missing_service_is_retried(tmp_path: Path) -> None:
    parser = PooledParser(replace(parser_config(), service=tmp_path / "nowhere.sock"))
    with pytest.raises(ParseError) as caught:
        parse(parser, tmp_path, "a.txt", b"words")
    assert (caught.value.code, caught.value.retryable) == ("parser_unavailable", True)
