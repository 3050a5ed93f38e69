"""The sandbox lets LibreOffice work, and gives it no network."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import pytest

from engines.parsing import launch
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess
from tests.engines.reading import texts
from tests.engines.soffice import STAND_IN

LIMITS = Limits(seconds=40, memory_mb=1536, output_mb=64, text_mb=8, ocr_pages=0)


def test_old_word_document_is_converted_in_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "programs" / "soffice"
    program.parent.mkdir()
    program.write_text(f"#!{Path(sys.executable).resolve()}\n{STAND_IN}")
    program.chmod(0o755)
    monkeypatch.setattr(launch, "MODULE", "tests.engines.soffice")
    monkeypatch.setitem(launch.ENVIRONMENT, "SOFFICE", str(program.parent))
    (tmp_path / "1").write_text("words of an old document")
    process = ParserProcess(LIMITS)
    try:
        read = process.parse(uuid4(), tmp_path / "1", filename="a.doc", workdir=tmp_path)
    finally:
        process.kill()
    assert texts(read) == "words of an old document"
    assert read.mime_type == "application/msword"
