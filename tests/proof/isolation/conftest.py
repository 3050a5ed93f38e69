from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.proof.isolation.parties import Party, contents, make_party


@pytest.fixture(scope="session")
def victim(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """Whose rows nobody else may see or touch."""
    return make_party(tmp_path_factory.mktemp("victim"))


@pytest.fixture(scope="session")
def intruder(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """The owner of another organisation, with rows of their own, who knows every id of the victim's."""
    return make_party(tmp_path_factory.mktemp("intruder"))


@pytest.fixture(scope="module")
def untouched(victim: Party) -> Iterator[None]:
    """Whatever a module's tests do, not one byte of the victim's changes."""
    before = contents(victim)
    yield
    assert contents(victim) == before


@pytest.fixture(scope="session")
def counted() -> Counter[str]:
    """How much was tried, for the report."""
    return Counter()


@pytest.fixture(scope="session")
def browser(intruder: Party) -> Client:
    """The intruder's, signed in at home."""
    return intruder.person.client
