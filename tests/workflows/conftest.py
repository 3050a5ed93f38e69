from __future__ import annotations

import pytest

from tests.conftest import Person
from tests.support.workflows import Studio, make_studio


@pytest.fixture
def studio(owner: Person) -> Studio:
    return make_studio(owner)
