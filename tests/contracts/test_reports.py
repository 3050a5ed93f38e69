"""The figures in the docs are those of the reports."""

from __future__ import annotations

import pytest

from benchmarks.reports import BLOCK, FOLDER, PAGES, rendered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_match_the_reports(page) -> None:
    text = page.read_text()
    assert text == rendered(text), "run `python -m benchmarks.reports`"


def test_every_report_is_in_the_docs() -> None:
    shown = {block["name"] for page in PAGES for block in BLOCK.finditer(page.read_text())}
    assert shown >= {path.stem for path in FOLDER.glob("*.json")}
