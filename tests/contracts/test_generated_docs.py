"""The generated parts of the docs are up to date."""

from __future__ import annotations

import pytest

from tests.contracts.generated_docs import DOCS, GENERATORS, PART, generated, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_generated_parts_are_up_to_date(page):
    text = page.read_text()
    assert text == generated(text), "run `make docs`"


def test_every_generator_is_used():
    used = {part["name"] for page in DOCS.rglob("*.md") for part in PART.finditer(page.read_text())}
    assert used == set(GENERATORS)
