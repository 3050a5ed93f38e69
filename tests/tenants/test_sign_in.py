"""The sign-in by password: waits, the bound of hashing, events, sessions, and changing the password."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import Client
from django.urls import reverse

from audit.models import AuditLog, PlatformEvent
from core.failed_attempts import Subject, failed_attempts
from core.isolation.scope import platform_scope, tenant_scope
from tenants import passwords
from tenants.models import ApiKey, User
from tests.conftest import Person, make_owner
from tests.support.api_client import make_caller

LOGIN, CHANGE = reverse("admin:login"), reverse("admin:password_change")
NEW = "a new and long password"


@pytest.fixture(autouse=True)
def forgotten(database: None) -> None:
    """Tests share one address."""
    failed_attempts().forget(Subject("address", "127.0.0.1", 0))


def events(**facts: Any) -> list[PlatformEvent]:
    with platform_scope():
        return list(PlatformEvent.objects.filter(**facts).order_by("created_at"))


def post(email: str, password: str, client: Client | None = None) -> Any:
    return (client or Client()).post(LOGIN, {"username": email, "password": password})


def fail(email: str, times: int, client: Client | None = None) -> list[Any]:
    return [post(email, "wrong", client) for _ in range(times)]


def test_wrong_sign_in_is_told_once(owner: Person):
    page = fail(owner.user.email, 1)[0].content.decode()
    assert page.count("errornote") == 1 and "do not match an active account" in page


def test_hashing_is_bounded_and_the_rest_is_told_to_wait(owner: Person):
    """More sign-ins at once than may wait: some succeed, the others are refused at once, and nothing else waits for them."""
    running, most, lock = 0, 0, threading.Lock()
    hasher = get_hasher()

    class Slow(type(hasher)):  # type: ignore[misc]
        def encode(self, *args: Any) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.1)
            with lock:
                running -= 1
            return str(super().encode(*args))

    def attempt(number: int) -> int:
        try:
            return int(post(f"{number}-{uuid4().hex}@example.org", "wrong").status_code)
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tenants.passwords.get_hasher", Slow)
        with ThreadPoolExecutor(30) as pool:
            begun = time.monotonic()
            codes = list(pool.map(attempt, range(30)))
    assert most <= passwords.CONCURRENT
    assert set(codes) == {200, 429} and time.monotonic() - begun < 20


def test_attempts_are_events(owner: Person):
    email, client = owner.user.email, Client()
    post(email, "wrong", client)
    post(email, owner.password, client)
    client.post(reverse("admin:logout"))
    kept = events(payload_json__email=email) + events(
        user_id=owner.user.pk, action__in=["sign_in.succeeded", "sign_out"]
    )
    assert [event.action for event in kept] == ["sign_in.failed", "sign_in.succeeded", "sign_out"]
    assert all(event.user_id == owner.user.pk for event in kept)
    assert kept[0].payload_json["address"] == "127.0.0.1" and "wrong" not in str(kept[0].payload_json)
    for thread in threading.enumerate():
        if thread.name == "teller":  # it tells the organisations of a failed sign-in
            thread.join()
    with tenant_scope(owner.tenant_id):
        own = list(AuditLog.objects.filter(action__startswith="sign_").order_by("action"))
    assert [event.action for event in own] == ["sign_in.failed", "sign_in.succeeded", "sign_out"]
    assert {event.user_id for event in own[1:]} == {owner.user.pk}


def test_password_in_the_wrong_field_is_not_kept(owner: Person):
    post(owner.password, owner.user.email)
    with platform_scope():
        newest = PlatformEvent.objects.filter(action="sign_in.failed").latest("created_at")
    assert newest.payload_json["email"] == "" and owner.password not in str(newest.payload_json)


def change(client: Client, old: str, **more: str) -> Any:
    form = {"old_password": old, "new_password1": NEW, "new_password2": NEW, **more}
    return client.post(CHANGE, form)


@pytest.mark.parametrize("ends_keys", [True, False])
def test_password_change_ends_other_sessions_and_keys_if_asked(owner: Person, ends_keys: bool):
    here, elsewhere, caller = owner.client, owner.client, make_caller(owner)
    more = {"ends_api_keys": "on"} if ends_keys else {}
    assert change(here, owner.password, **more).status_code == 302
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert caller.get("workspaces/").status_code == (401 if ends_keys else 200)
    *_, event = events(action="password.changed", object_id=owner.user.pk)
    assert event.payload_json["ends_api_keys"] is ends_keys
    with tenant_scope(owner.tenant_id):
        assert AuditLog.objects.filter(action="api_key.revoked").count() == int(ends_keys)
        assert ApiKey.objects.filter(revoked_at=None).count() == int(not ends_keys)


def test_operator_changes_their_own_password(operator: User):
    client = Client()
    client.force_login(operator)
    assert change(client, "correct horse battery staple").status_code == 302
    assert client.get("/admin/").status_code == 200
    assert post(operator.email, NEW).status_code == 302


def test_guesses_of_the_old_password_are_counted(owner: Person):
    client = owner.client
    pages = [change(client, "a guess").content.decode() for _ in range(11)]
    assert "not your present password" in pages[0] and "Too many attempts" in pages[10]


@pytest.mark.parametrize("password", ["eleven-char", "password1234", "123456789012", "{email}"])
def test_weak_passwords_are_refused(owner: Person, password: str):
    with pytest.raises(ValidationError):
        validate_password(password.format(email=owner.user.email), owner.user)
    assert len(get_password_validators(settings.AUTH_PASSWORD_VALIDATORS)) == 4


def test_sessions_end_when_idle_and_when_old(owner: Person, monkeypatch: pytest.MonkeyPatch):
    now = time.time()
    for after, status in ((3600, 200), (settings.OYL_SESSION_DAYS * 86_400 + 100, 302)):
        client = owner.client
        assert client.get("/admin/").status_code == 200
        monkeypatch.setattr("core.sessions.time.time", lambda after=after: now + after)
        assert client.get("/admin/").status_code == status
        monkeypatch.undo()
    assert settings.SESSION_COOKIE_AGE == 12 * 3600
    idle = owner.client
    idle.get("/admin/")
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE django_session SET expire_date = expire_date - interval '12 hours' WHERE session_key = %s",
            [sha256(str(idle.session.session_key).encode()).hexdigest()],
        )
    assert idle.get("/admin/").status_code == 302


def test_other_tenants_do_not_see_a_sign_in(owner: Person):
    other = make_owner()
    post(owner.user.email, owner.password)
    with tenant_scope(other.tenant_id):
        assert not AuditLog.objects.filter(action__startswith="sign_in").exists()
