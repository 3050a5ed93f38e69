"""A provider, OYL configured for it, and people who come from there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from core.oidc_provider import oidc_provider
from tests.conftest import Person
from tests.support.oidc_provider import CLIENT, SECRET, Provider, running_provider

LOGIN, INDEX, BEGIN = reverse("admin:login"), reverse("admin:index"), reverse("oidc")
CALLBACK, ACCOUNT, CODE = reverse("oidc_callback"), reverse("admin:account"), reverse("second_factor")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as provider, configured(provider):
        yield provider


def configured(provider: Provider, *joins: str, **more: Any) -> Any:
    one = oidc_provider(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        label="Example ID",
        domains=["example.org", "joining.example"],
        joins=joins,
    )
    return override_settings(OIDC=one, **more)


def is_(provider: Provider, address: str, **claims: Any) -> None:
    """Who is signed in at the provider."""
    known = {"sub": uuid4().hex, "email": address, "email_verified": True, "name": "Ada"}
    provider.claims = {**known, **claims}


def sent_back(client: Client, provider: Provider, **query: str) -> str:
    """To the provider, and the address of the way back, which has not been gone yet."""
    address = client.get(BEGIN, query)["Location"]
    assert address.startswith(f"{provider.issuer}/authorize?")
    return provider.authorized(dict(parse_qsl(urlsplit(address).query)))


def signed_on(provider: Provider, client: Client | None = None, **query: str) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.get(sent_back(client, provider, **query))


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def refusal(client: Client) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", client.get(LOGIN).content.decode())


def verified(person: Person) -> Person:
    person.user.email_verified_at = timezone.now()
    person.user.save()
    return person
