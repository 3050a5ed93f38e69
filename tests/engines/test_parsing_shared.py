"""Small files of text share a process; what native code reads has one of its own."""

from __future__ import annotations

import ast
import inspect
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from uuid import UUID, uuid4

import psutil
import pytest

from engines.parsing import ParsedDocument, ParseError, own_process
from engines.parsing.detect import content_model
from engines.parsing.formats import FORMATS
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess

LIMITS = Limits(seconds=20, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=0)
TENANT, OTHER_TENANT = uuid4(), uuid4()
# What lets native code read a file.
NATIVE_CALLS = {
    "fromstring",
    "HTMLParser",
    "XMLParser",
    "XML",
    "HTML",
    "iterparse",
    "Magika",
    "InferenceSession",
}


@pytest.fixture
def process() -> Iterator[ParserProcess]:
    process = ParserProcess(LIMITS)
    yield process
    process.kill()


@pytest.fixture
def others() -> set[int]:
    """Processes of other parsers."""
    return children()


def parse(
    process: ParserProcess, folder: Path, name: str, data: bytes, tenant_id: UUID = TENANT
) -> ParsedDocument:
    path, workdir = folder / uuid4().hex, folder / uuid4().hex
    path.write_bytes(data)
    workdir.mkdir()
    return process.parse(tenant_id, path, filename=name, workdir=workdir)


def children() -> set[int]:
    """The parser's processes below the warm ones."""
    return {child.pid for child in psutil.Process().children(recursive=True) if _is_of_a_file(child)}


def _is_of_a_file(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "engines.parsing" in " ".join(process.cmdline()) and not process.children()
    return False


def test_files_of_text_share_a_process(others: set[int], process: ParserProcess, tmp_path: Path) -> None:
    first = parse(process, tmp_path, "a.md", b"# One")
    shared = children() - others
    second = parse(process, tmp_path, "b.md", b"# Two")
    assert children() - others == shared
    assert [document.elements[0].text for document in (first, second)] == ["One", "Two"]


@pytest.mark.parametrize(
    ("name", "data", "tenant_id"),
    [
        ("b.md", b"# Two", OTHER_TENANT),
        ("b.md", b"Two, in <b>HTML</b>", TENANT),
        ("b.md", b"<html><p>Two", TENANT),
        ("b.html", b"<p>Two", TENANT),
        ("b.eml", b"From: a@example.org\nSubject: Two\n\nTwo", TENANT),
        ("b.md", b"Two " * (own_process.MAX_SHARED_BYTES // 3), TENANT),
    ],
)
def test_other_files_have_a_process_of_their_own(others, process, tmp_path, name, data, tenant_id):
    parse(process, tmp_path, "a.md", b"# One")
    shared = children() - others
    assert "Two" in parse(process, tmp_path, name, data, tenant_id).elements[-1].text
    assert not children() & shared


def test_line_breaks_and_anchors_of_markdown_need_no_reader_of_html(others, process, tmp_path):
    parse(process, tmp_path, "a.md", b"# One")
    shared = children() - others
    text = b"## <a name='two'></a> Two\n\n*First*<br/>\nSecond<BR>Third <a id=\"x\"/>\n"
    document = parse(process, tmp_path, "b.md", text)
    assert [element.text for element in document.elements] == ["Two", "First\nSecond\nThird"]
    assert children() - others == shared


def test_error_does_not_end_a_shared_process(others, process, tmp_path):
    parse(process, tmp_path, "a.md", b"# One")
    shared = children() - others
    with pytest.raises(ParseError) as caught:
        parse(process, tmp_path, "b.md", b"")
    assert caught.value.code == "empty_file"
    assert parse(process, tmp_path, "c.md", b"# Three").elements[0].text == "Three"
    assert children() - others == shared


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGXCPU])
def test_file_is_not_blamed_for_the_end_of_a_shared_process(others, process, tmp_path, number):
    """As when an earlier file of the tenant has damaged its memory."""
    parse(process, tmp_path, "a.md", b"# One")
    (shared,) = children() - others
    os.kill(shared, number)
    assert parse(process, tmp_path, "b.md", b"# Two").elements[0].text == "Two"
    assert parse(process, tmp_path, "c.md", b"# Three").elements[0].text == "Three"


def test_file_that_fails_unexpectedly_is_tried_alone(others, process, tmp_path):
    parse(process, tmp_path, "a.json", b'{"a": 1}')
    shared = children() - others
    with pytest.raises(ParseError) as caught:
        parse(process, tmp_path, "b.json", b"[" * 100_000)
    assert caught.value.code == "too_deep"
    assert parse(process, tmp_path, "c.json", b'{"c": "Three"}').elements
    assert not children() & shared


def test_shared_process_ends_after_a_while(others, process, tmp_path, monkeypatch):
    parse(process, tmp_path, "a.md", b"# One")
    shared = children() - others
    monkeypatch.setattr("engines.parsing.exchange._SHARED_SECONDS", 0)
    parse(process, tmp_path, "b.md", b"# Two")
    parse(process, tmp_path, "c.md", b"# Three")
    assert not children() & shared


def modules_of(name: str, found: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """OYL's modules that this one imports, by their imports' sentences."""
    if name in found or not name.startswith("engines.parsing"):
        return found
    found[name] = module = import_module(name)
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules_of(node.module, found)
            for alias in node.names:
                if f"{node.module}.{alias.name}" in sys.modules:
                    modules_of(f"{node.module}.{alias.name}", found)
    return found


SHARED = [one for one in FORMATS if one.shares_process]


def test_formats_of_text_share_a_process():
    assert len(SHARED) > 15
    assert not [one for one in SHARED if not one.is_text or one.starts_programs]


@pytest.mark.parametrize("reader", sorted({one.reader for one in SHARED}))
def test_native_code_reads_nothing_in_a_shared_process(reader: str) -> None:
    """Each function of a shared format's reader that calls native code requires a process of its own before."""
    without = []
    for module in modules_of(
        reader.rpartition(".")[0], {content_model.__module__: import_module(content_model.__module__)}
    ).values():
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if (
                isinstance(node, ast.FunctionDef)
                and _calls(node) & NATIVE_CALLS
                and "require" not in _calls(node)
            ):
                without.append(f"{module.__name__}.{node.name}")
    assert without == []


def _calls(function: ast.FunctionDef) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
