from __future__ import annotations

import pytest

from tests.admin.rows import Rows, make_rows
from tests.conftest import Person


@pytest.fixture
def rows(owner: Person) -> Rows:
    """One object of every model, in the owner's tenant."""
    return make_rows(owner)
