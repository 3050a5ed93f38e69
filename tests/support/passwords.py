"""Checks of passwords, without a page."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import auth
from django.test import RequestFactory

from tenants.models import User


def authenticate(*, username: str, password: str) -> User | None:
    """The account with this password, as a client with an address of its own signs in."""
    address = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
    found = auth.authenticate(
        RequestFactory(REMOTE_ADDR=address).post("/"), username=username, password=password
    )
    assert found is None or isinstance(found, User)
    return found
