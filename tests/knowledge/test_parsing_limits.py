"""A hostile file costs its own parse and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import override_settings

from engines.parsing import ParsedDocument, ParseError, Parser
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tests.knowledge.reading import manifold

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT.parent / "shared" / "data" / "documents" / "unstructured"
# As many pages as are read, and each of them takes some milliseconds.
ENDLESS_PDF = manifold(9_999, b"BT /F 8 Tf 9 9 Td (" + b"word " * 5_000 + b") Tj ET")


@contextmanager
def limited(**limits: int) -> Iterator[PooledParser]:
    with override_settings(PARSER_PROCESSES=1, **limits):
        parser = PooledParser(parser_config())
        try:
            yield parser
        finally:
            parser.close()


@pytest.fixture(scope="module")
def parser(shared_parser: Parser) -> Iterator[PooledParser]:
    """One warm process, the only one; a test that kills it leaves it to be replaced."""
    shared_parser.close()
    with limited() as parser:
        yield parser


def read(parser: PooledParser, folder: Path, name: str, data: bytes) -> ParsedDocument:
    path, workdir = folder / f"{uuid4()}", folder / f"{uuid4()}"
    path.write_bytes(data)
    workdir.mkdir()
    return parser.parse(uuid4(), path, filename=name, workdir=workdir)


def error_of(parser: PooledParser, folder: Path, name: str, data: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        read(parser, folder, name, data)
    return caught.value


def children() -> set[int]:
    """This process's children that read documents."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == os.getpid() and "engines.parsing.child_process" in command:
                found.add(int(entry.name))
    return found


def warm(parser: PooledParser, folder: Path) -> int:
    """The pid of the parser's process, once it has read a file."""
    read(parser, folder, "a.txt", b"words")
    (pid,) = children()
    return pid


def test_a_process_stays_warm_and_leaves_with_close(parser: PooledParser, tmp_path: Path) -> None:
    pid = warm(parser, tmp_path)
    read(parser, tmp_path, "a.txt", b"more words")
    assert children() == {pid}
    parser.close()
    assert not children()


def test_a_slow_file_times_out_and_the_next_one_is_read(tmp_path: Path) -> None:
    with limited(PARSER_SECONDS=2) as parser:
        others, started = children(), time.monotonic()
        error = error_of(parser, tmp_path, "a.pdf", ENDLESS_PDF)
        assert (error.code, error.retryable) == ("parse_timeout", False)
        assert "2 s" in error.detail
        assert time.monotonic() - started < 5
        assert children() == others
        assert read(parser, tmp_path, "a.txt", b"a clean file").elements


def test_a_greedy_file_meets_the_memory_limit(tmp_path: Path) -> None:
    with limited(PARSER_MEMORY_MB=600) as parser:
        error = error_of(parser, tmp_path, "a.xml", b"<d>" + b"<a/>" * 8_000_000 + b"</d>")
        assert (error.code, error.retryable) == ("parse_memory", False)
        assert read(parser, tmp_path, "a.txt", b"a clean file").elements


def test_more_pages_than_anybody_reads_are_refused_at_once(parser: PooledParser, tmp_path: Path) -> None:
    error = error_of(parser, tmp_path, "a.pdf", manifold(1_000_000, b"BT ET"))
    assert error.code == "too_many_pages"
    assert "1000000 pages" in error.detail


def test_more_text_than_the_limit_is_refused(tmp_path: Path) -> None:
    with limited(PARSER_TEXT_MB=1) as parser:
        assert error_of(parser, tmp_path, "a.txt", b"words " * 300_000).code == "output_too_large"


@pytest.mark.parametrize(
    ("number", "code", "retryable"),
    [
        (signal.SIGSEGV, "parse_crash", False),
        (signal.SIGKILL, "parse_interrupted", True),
        (signal.SIGTERM, "parse_interrupted", True),
    ],
)
def test_a_death_is_told_by_its_cause(
    parser: PooledParser,
    tmp_path: Path,
    number: signal.Signals,
    code: str,
    retryable: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pid = warm(parser, tmp_path)
    killer = threading.Timer(0.5, os.kill, (pid, number))
    killer.start()
    error = error_of(parser, tmp_path, "a.pdf", ENDLESS_PDF)
    killer.join()
    assert (error.code, error.retryable) == (code, retryable)
    assert number.name in caplog.text


def test_a_process_killed_while_idle_is_replaced(parser: PooledParser, tmp_path: Path) -> None:
    os.kill(warm(parser, tmp_path), signal.SIGKILL)
    time.sleep(0.2)
    assert read(parser, tmp_path, "a.txt", b"words").elements


def test_threads_that_come_and_go_share_the_pool(parser: PooledParser, tmp_path: Path) -> None:
    pids: set[int] = set()
    for _ in range(2):
        with ThreadPoolExecutor(4) as threads:
            done = list(threads.map(lambda _: read(parser, tmp_path, "a.txt", b"words"), range(4)))
        assert all(document.elements for document in done)
        pids |= children()
    assert len(pids) == 1


def test_a_process_that_cannot_start_is_a_reason_to_try_again(
    parser: PooledParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser.close()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    error = error_of(parser, tmp_path, "a.txt", b"words")
    assert (error.code, error.retryable) == ("parser_unavailable", True)
    monkeypatch.undo()
    assert read(parser, tmp_path, "a.txt", b"words").elements


@pytest.mark.parametrize("name", ["simple.doc", "fake-power-point.ppt"])
def test_old_formats_say_that_they_need_libreoffice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"needs {path}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with limited() as parser:
        assert error_of(parser, tmp_path, "stored", path.read_bytes()).code == "needs_libreoffice"


def test_a_process_has_none_of_our_secrets_and_its_own_network(
    parser: PooledParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser.close()
    monkeypatch.setenv("SECRET_KEY", "canary-4711")
    pid = warm(parser, tmp_path)
    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
    theirs = {line.split(b"=")[0] for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert not {b"DATABASE_URL", b"REDIS_URL", b"OYL_ENCRYPTION_KEYS"} & theirs


def test_a_process_dies_with_its_worker(tmp_path: Path) -> None:
    """Even while it is busy, and even when the worker is killed."""
    (tmp_path / "slow.pdf").write_bytes(ENDLESS_PDF)
    script = (
        "import sys, threading, time; from engines.parsing.process import ParserProcess\n"
        "from engines.parsing.job import Limits\n"
        "child = ParserProcess(Limits(seconds=50, memory_mb=1500, output_mb=9, text_mb=9, ocr_pages=9))\n"
        "print(child.pid, flush=True)\n"
        f"child.ask(dict(path={str(tmp_path / 'slow.pdf')!r}, filename='a.pdf', workdir={str(tmp_path)!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        time.sleep(0.5)
        worker.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{pid}/cmdline").read_bytes():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_everything_written_stays_in_the_workdir(parser: PooledParser, tmp_path: Path) -> None:
    path, workdir = tmp_path / "a.rtf", tmp_path / "work"
    path.write_bytes(rb"{\rtf1 words\par}")
    workdir.mkdir()
    parser.parse(uuid4(), path, filename="a.rtf", workdir=workdir)
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.rtf", "work"}
