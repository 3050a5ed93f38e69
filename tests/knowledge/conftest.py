"""Libraries for the cast."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Person
from tests.knowledge.libraries import Library, make_library


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "own")


@pytest.fixture
def foreign_library(stranger: Person, tmp_path: Path) -> Library:
    return make_library(stranger, tmp_path / "foreign")
