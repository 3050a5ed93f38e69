from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from tenants.models import User
from tests.admin.rows import Rows, make_rows
from tests.conftest import Person


@pytest.fixture
def rows(owner: Person) -> Rows:
    """One object of every model, in the owner's tenant."""
    return make_rows(owner)


@pytest.fixture
def operator(database: None) -> User:
    return User.objects.create_superuser(
        f"operator-{uuid4().hex[:12]}@example.org", "correct horse battery staple"
    )


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
