"""Passkeys as second factors, with a security key in Python."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD, Person
from tests.support.passkeys import SecurityKey, encoded

LOGIN, CODE, INDEX = reverse("admin:login"), reverse("second_factor"), reverse("admin:index")
ACCOUNT, ADD, TURN_ON = (
    reverse(f"admin:{name}") for name in ("account", "add_passkey", "turn_on_second_factor")
)
HOST = "localhost"


def added(client: Client, key: SecurityKey | None = None) -> tuple[SecurityKey, list[str]]:
    """The key, and the recovery codes, if they were made."""
    key = key or SecurityKey(f"http://{HOST}")
    options = client.get(ADD, headers={"host": HOST}).context["options"]
    answer = {"name": "My key", "answer": key.register(options)}
    page = client.post(ADD, answer, headers={"host": HOST})
    return key, (page.context or {}).get("codes", [])


def with_password(person: Person) -> tuple[Client, str]:
    """A client that has entered the password, and what the page asks the browser for."""
    client = Client(headers={"host": HOST})
    page = client.post(LOGIN, {"username": person.user.email, "password": PASSWORD})
    assert page["Location"] == CODE
    return client, client.get(CODE).context["options"]


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def log_of(client: Client) -> str:
    page = client.get(reverse("admin:audit_auditlog_changelist"))
    return re.sub(r"<[^>]+>|\s+", " ", page.content.decode())


def test_a_passkey_is_asked_for_after_the_password(owner: Person):
    key, codes = added(owner.client)
    assert len(codes) == 10
    client, options = with_password(owner)
    assert not is_in(client)
    assert client.post(CODE, {"answer": key.use(options)}).status_code == 302 and is_in(client)
    assert "added a passkey for" in log_of(client)


def test_a_recovery_code_replaces_a_lost_passkey(owner: Person):
    _, codes = added(owner.client)
    client, _ = with_password(owner)
    client.post(CODE, {"code": codes[0]})
    assert is_in(client)


def test_an_answer_works_once_and_for_its_challenge_only(owner: Person):
    key, _ = added(owner.client)
    first, options = with_password(owner)
    answer = key.use(options)
    second, _ = with_password(owner)
    second.post(CODE, {"answer": answer})
    assert not is_in(second)
    first.post(CODE, {"answer": answer})
    assert is_in(first)
    third, _ = with_password(owner)
    third.post(CODE, {"answer": answer})
    assert not is_in(third)


@pytest.mark.parametrize("origin", ["http://localhost.evil.example", "https://evil.example"])
def test_another_origin_gets_nothing(owner: Person, origin: str):
    key, _ = added(owner.client)
    client, options = with_password(owner)
    key._origin = origin
    client.post(CODE, {"answer": key.use(options)})
    assert not is_in(client)


def test_the_key_of_somebody_else_opens_nothing(owner: Person, stranger: Person):
    added(owner.client)
    other, _ = added(stranger.client)
    client, options = with_password(owner)
    page = client.post(CODE, {"answer": other.use(options)})
    assert "none of your passkeys" in page.content.decode() and not is_in(client)


HOSTILE = [
    "",
    "[]",
    "{}",
    "nonsense",
    "[" * 9000,
    '{"response": 1}',
    json.dumps({"id": "", "rawId": "", "type": "public-key", "response": {}}),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": encoded(b"\xff"), "attestationObject": encoded(b"\x9b" * 9)},
        }
    ),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {
                "clientDataJSON": encoded(b"{}"),
                "authenticatorData": encoded(b"x"),
                "signature": "é",
            },
        }
    ),
]


def test_odd_answers_are_refused_in_words(owner: Person):
    owner.client.get(ADD)
    for answer in HOSTILE:
        page = owner.client.post(ADD, {"answer": answer})
        assert page.status_code == 200 and "not accepted" in page.content.decode(), answer
    assert not Authenticator.objects.filter(user=owner.user).exists()
    added(owner.client)
    for answer in HOSTILE:
        client, _ = with_password(owner)
        assert client.post(CODE, {"answer": answer}).status_code in (200, 429) and not is_in(client)


def test_wrong_passkeys_have_to_wait(owner: Person):
    key, _ = added(owner.client)
    statuses = []
    for _ in range(9):
        client, _ = with_password(owner)
        statuses.append(client.post(CODE, {"answer": "{}"}).status_code)
    assert statuses[0] == 200 and statuses[-1] == 429
    client, options = with_password(owner)
    assert client.post(CODE, {"answer": key.use(options)}).status_code == 429


@pytest.mark.parametrize("do", ["add", "remove"])
def test_changing_passkeys_needs_a_recent_password(owner: Person, do: str):
    added(owner.client)
    row = Authenticator.objects.get(user=owner.user, type="webauthn")
    client = Client(headers={"host": HOST})
    client.force_login(owner.user)  # long ago
    if do == "remove":
        page = client.post(ACCOUNT, {"do": f"remove {row.pk}"})
    else:
        options = client.get(ADD).context["options"]
        page = client.post(ADD, {"answer": SecurityKey(f"http://{HOST}").register(options)})
    assert "Enter your password again" in page.content.decode()
    assert Authenticator.objects.filter(user=owner.user, type="webauthn").count() == 1


def test_without_the_last_factor_the_password_is_enough(owner: Person):
    added(owner.client)
    added(owner.client)
    for row in Authenticator.objects.filter(user=owner.user, type="webauthn"):
        with_password(owner)
        owner.client.post(ACCOUNT, {"do": f"remove {row.pk}"})
    assert not Authenticator.objects.filter(user=owner.user).exists()
    client = Client()
    client.post(LOGIN, {"username": owner.user.email, "password": PASSWORD})
    assert is_in(client) and "removed a passkey of" in log_of(client)


def test_nobody_removes_the_passkey_of_somebody_else(owner: Person, stranger: Person):
    added(owner.client)
    row = Authenticator.objects.get(user=owner.user, type="webauthn")
    page = stranger.client.post(ACCOUNT, {"do": f"remove {row.pk}"}, follow=True)
    assert "removed already" in page.content.decode()
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_there_is_a_limit(owner: Person):
    for _ in range(11):
        added(owner.client)
    assert Authenticator.objects.filter(user=owner.user, type="webauthn").count() == 10


def test_under_a_number_no_passkey_is_offered(owner: Person):
    assert "Add a passkey" in owner.client.get(ACCOUNT, headers={"host": HOST}).content.decode()
    page = owner.client.get(ACCOUNT, headers={"host": "127.0.0.1:8000"}).content.decode()
    assert "Add a passkey" not in page and "Passkeys need a host name" in page
