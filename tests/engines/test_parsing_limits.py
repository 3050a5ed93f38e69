"""The limits of parser processes, and how the pool replaces processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest
from django.test import override_settings

from engines.parsing import ParsedDocument, ParseError, Parser
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tests.engines.reading import pdf, repeated_page_pdf

ROOT = Path(__file__).resolve().parents[2]
# The maximum number of pages, each of which takes some milliseconds.
TENANT = uuid4()
SLOW_PDF = repeated_page_pdf(9_999, b"BT /F 8 Tf 9 9 Td (" + b"word " * 5_000 + b") Tj ET")


@contextmanager
def limited_parser(**limits: int) -> Iterator[PooledParser]:
    with override_settings(PARSER_PROCESSES=1, **limits):
        parser = PooledParser(parser_config())
        try:
            yield parser
        finally:
            parser.close()


@pytest.fixture(scope="module")
def parser(shared_parser: Parser) -> Iterator[PooledParser]:
    """A parser with one process. A test that kills it leaves it to be replaced."""
    shared_parser.close()
    with limited_parser() as parser:
        yield parser


def parse(
    parser: PooledParser, folder: Path, name: str, data: bytes, tenant_id: UUID = TENANT
) -> ParsedDocument:
    path, workdir = folder / f"{uuid4()}", folder / f"{uuid4()}"
    path.write_bytes(data)
    workdir.mkdir()
    return parser.parse(tenant_id, path, filename=name, workdir=workdir)


def parse_error(parser: PooledParser, folder: Path, name: str, data: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(parser, folder, name, data)
    return caught.value


def parser_processes() -> set[int]:
    """Return the pids of this process's children that start parsers."""
    return {child.pid for child in psutil.Process().children() if _is_parser(child)}


def _is_parser(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "engines.parsing.child_process" in process.cmdline()
    return False


def process_of_file() -> psutil.Process:
    """Wait for the process that parses a file now: the one whose CPU time is limited, and that uses it."""
    deadline, used = time.monotonic() + 20, dict[int, float]()
    while time.monotonic() < deadline:
        for process in filter(_is_parser, psutil.Process().children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                is_limited = process.rlimit(psutil.RLIMIT_CPU)[0] != resource.RLIM_INFINITY
                seconds = process.cpu_times().user
                if is_limited and seconds > used.setdefault(process.pid, seconds) + 0.1:
                    return process
        time.sleep(0.01)
    raise AssertionError("no file is parsed")


def warm_process(parser: PooledParser, folder: Path) -> int:
    """Return the pid of the parser's only process after it has parsed a file."""
    parser.close()
    parse(parser, folder, "a.txt", b"words")
    (pid,) = parser_processes()
    return pid


def test_process_is_reused_until_close(parser: PooledParser, tmp_path: Path) -> None:
    pid = warm_process(parser, tmp_path)
    parse(parser, tmp_path, "a.txt", b"more words")
    assert parser_processes() == {pid}
    parser.close()
    assert not parser_processes()


def test_next_file_is_parsed_after_a_timeout(tmp_path: Path) -> None:
    with limited_parser(PARSER_SECONDS=2) as parser:
        others, started = parser_processes(), time.monotonic()
        error = parse_error(parser, tmp_path, "a.pdf", SLOW_PDF)
        assert (error.code, error.retryable) == ("parse_timeout", False)
        assert any(f"longer than {seconds} s" in error.detail for seconds in (2, 8))
        assert time.monotonic() - started < 12
        # On a busy machine the worker ends all of it, after 8 seconds.
        is_busy = "longer than 8 s" in error.detail
        assert len(parser_processes() - others) == (0 if is_busy else 1), "only the file's own process ends"
        assert parse(parser, tmp_path, "a.txt", b"a clean file").elements


def test_time_without_a_processor_does_not_count(tmp_path: Path) -> None:
    """As on a machine that is busy."""
    lines = b"".join(b"1 0 0 1 9 %d Tm (%s) Tj " % (at, b"word " * 20) for at in range(850, 50, -20))
    pages = repeated_page_pdf(50, b"BT /F 8 Tf " + lines + b"ET")
    with limited_parser(PARSER_SECONDS=2) as parser, ThreadPoolExecutor(1) as thread:
        parsing = thread.submit(parse, parser, tmp_path, "a.pdf", pages)
        parses_it = process_of_file()
        parses_it.suspend()
        time.sleep(3)
        assert not parsing.done()
        parses_it.resume()
        assert parsing.result().elements


def test_memory_limit_is_enforced(tmp_path: Path) -> None:
    with limited_parser(PARSER_MEMORY_MB=600, PARSER_TEXT_MB=64) as parser:
        error = parse_error(parser, tmp_path, "a.xml", b"<d>" + b"<a/>" * 8_000_000 + b"</d>")
        assert (error.code, error.retryable) == ("parse_memory", False)
        assert parse(parser, tmp_path, "a.txt", b"a clean file").elements


def test_too_many_pages_are_refused_at_once(parser: PooledParser, tmp_path: Path) -> None:
    error = parse_error(parser, tmp_path, "a.pdf", repeated_page_pdf(1_000_000, b"BT ET"))
    assert error.code == "too_many_pages"
    assert "1000000 pages" in error.detail


def test_library_that_ends_without_memory_is_reported_as_that(tmp_path: Path) -> None:
    """A form that draws the next one twice, which draws the next one twice."""
    draws_text = b"BT /F 9 Tf 9 9 Td (word) Tj ET /N Do /N Do"
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F 5 0 R>>/XObject<</N %d 0 R>>>>/Length %d>>"
        b"stream\n%s\nendstream" % (number, len(draws_text), draws_text)
        for number in range(7, 33)
    ]
    source = pdf(b"/N Do", *forms, resources=b"/XObject<</N 6 0 R>>")
    with limited_parser(PARSER_MEMORY_MB=500) as parser:
        assert parse_error(parser, tmp_path, "a.pdf", source).code == "parse_memory"


def test_number_of_elements_is_limited(parser: PooledParser, tmp_path: Path) -> None:
    error = parse_error(parser, tmp_path, "a.html", b"<p>a</p>" * 1_000_001)
    assert error.detail.startswith(
        "The file has 1,000,001 paragraphs, list items and tables; at most 1,000,000"
    )


def test_many_short_elements_are_no_long_text(tmp_path: Path) -> None:
    with limited_parser(PARSER_TEXT_MB=1) as parser:
        assert len(parse(parser, tmp_path, "a.html", b"<p>a</p>" * 100_000).elements) == 100_000


def test_long_title_is_clipped_in_the_metadata_alone(parser: PooledParser, tmp_path: Path) -> None:
    words = "word " * 220_000
    document = parse(parser, tmp_path, "a.html", f"<title>{words}</title><h1>{words}</h1><p>End".encode())
    assert len(document.metadata["title"]) < 2_001
    assert [len(element.text) for element in document.elements] == [len(words) - 1, 3]


def test_text_limit_is_enforced(tmp_path: Path) -> None:
    with limited_parser(PARSER_TEXT_MB=1) as parser:
        assert parse_error(parser, tmp_path, "a.txt", b"words " * 300_000).code == "output_too_large"


@pytest.mark.parametrize(
    ("number", "code", "retryable"),
    [
        (signal.SIGSEGV, "parse_crash", False),
        (signal.SIGKILL, "parse_interrupted", True),
        (signal.SIGTERM, "parse_interrupted", True),
    ],
)
def test_killed_process_is_reported_by_signal(
    parser: PooledParser,
    tmp_path: Path,
    number: signal.Signals,
    code: str,
    retryable: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    killer = threading.Thread(target=lambda: process_of_file().send_signal(number))
    killer.start()
    error = parse_error(parser, tmp_path, "a.pdf", SLOW_PDF)
    killer.join()
    assert (error.code, error.retryable) == (code, retryable)
    assert number.name in caplog.text


def test_process_killed_while_idle_is_replaced(parser: PooledParser, tmp_path: Path) -> None:
    os.kill(warm_process(parser, tmp_path), signal.SIGKILL)
    time.sleep(0.2)
    assert parse(parser, tmp_path, "a.txt", b"words").elements


def test_threads_share_the_pool(parser: PooledParser, tmp_path: Path) -> None:
    parser.close()
    pids: set[int] = set()
    for _ in range(2):
        with ThreadPoolExecutor(4) as threads:
            documents = list(threads.map(lambda _: parse(parser, tmp_path, "a.txt", b"words"), range(4)))
        assert all(document.elements for document in documents)
        pids |= parser_processes()
    assert len(pids) == 1


def test_tenant_does_not_wait_for_another_ones_file(tmp_path: Path) -> None:
    with limited_parser() as parser, ThreadPoolExecutor(1) as thread:
        slow = thread.submit(parse_error, parser, tmp_path, "slow.pdf", SLOW_PDF)
        parses_it = process_of_file()
        assert parse(parser, tmp_path, "a.txt", b"words", tenant_id=uuid4()).elements
        assert not slow.done()
        parses_it.kill()
        assert slow.result().code == "parse_interrupted"


def test_failure_to_start_is_retryable(
    parser: PooledParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser.close()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    error = parse_error(parser, tmp_path, "a.txt", b"words")
    assert (error.code, error.retryable) == ("parser_unavailable", True)
    monkeypatch.undo()
    assert parse(parser, tmp_path, "a.txt", b"words").elements


def test_process_does_not_inherit_secrets(
    parser: PooledParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser.close()
    monkeypatch.setenv("SECRET_KEY", "canary-4711")
    pid = warm_process(parser, tmp_path)
    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
    names = {line.split(b"=")[0] for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert not {b"DATABASE_URL", b"REDIS_URL", b"OYL_ENCRYPTION_KEYS"} & names


def test_processes_end_with_their_worker(tmp_path: Path) -> None:
    """Even if they are busy and the worker is killed."""
    (tmp_path / "slow.pdf").write_bytes(SLOW_PDF)
    script = (
        "from pathlib import Path; from uuid import uuid4; from engines.parsing.process import ParserProcess\n"
        "from engines.parsing.job import Limits\n"
        "process = ParserProcess(Limits(seconds=50, memory_mb=1500, output_mb=9, text_mb=9, ocr_pages=9))\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "process.parse(uuid4(), folder / 'slow.pdf', filename='a.pdf', workdir=folder)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as worker:
        process_of_file()
        started = psutil.Process(worker.pid).children(recursive=True)
        worker.kill()
    assert len(started) >= 2
    _, alive = psutil.wait_procs(started, timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_only_the_workdir_is_written_to(parser: PooledParser, tmp_path: Path) -> None:
    path, workdir = tmp_path / "a.rtf", tmp_path / "work"
    path.write_bytes(rb"{\rtf1 words\par}")
    workdir.mkdir()
    parser.parse(uuid4(), path, filename="a.rtf", workdir=workdir)
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.rtf", "work"}
