"""Waits after wrong passwords: whom they stop, and whom no attacker can stop with them."""

from __future__ import annotations

import ast
import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as project
from django.contrib import auth
from django.db import connections
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from audit.models import PlatformEvent
from core.failed_attempts import LONGEST_WAIT_SECONDS, Subject, failed_attempts
from core.isolation.scope import platform_scope
from tenants import passwords, sign_in
from tests.conftest import Person, make_owner
from tests.tenants.links import link_for

LOGIN, CHANGE = reverse("admin:login"), reverse("admin:password_change")
WRONG = "a wrong password"


def new_address() -> str:
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


def post(email: str, password: str, client: Client) -> Any:
    return client.post(LOGIN, {"username": email, "password": password})


def fail(email: str, times: int, client: Client) -> list[int]:
    return [post(email, WRONG, client).status_code for _ in range(times)]


def throttled(**facts: Any) -> list[PlatformEvent]:
    with platform_scope():
        return list(PlatformEvent.objects.filter(action="sign_in.throttled", **facts))


class Clock:
    """It moves on a little whenever it is read."""

    def __init__(self) -> None:
        self.now = time.time()

    def read(self) -> float:
        self.now += 1e-5
        return self.now


@pytest.fixture
def clock(database: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waits pass when the test says so. Redis has a clock of its own, so the attempts are counted in this process."""
    settings.REDIS_URL = f"unix:///nowhere/{uuid4().hex}.sock"
    clock, attempts = Clock(), failed_attempts()
    monkeypatch.setattr(attempts, "_shared", attempts._local)
    monkeypatch.setattr(time, "time", clock.read)
    return clock


def guess(email: str, address: str) -> int:
    """A wrong password, as the backend counts it. The seconds to wait; 0 if the password was looked at."""
    attempt = sign_in.Attempt(RequestFactory(REMOTE_ADDR=address).post(LOGIN), email)
    try:
        attempt.begin()
    except sign_in.SignInWaitError as refusal:
        return refusal.wait
    attempt.has_failed(None)
    return 0


class Attack:
    """Guesses of one account's password from many addresses. Each waits as long as it is told, and then tries at once, or
    asks again and again during its waits."""

    def __init__(self, clock: Clock, email: str, addresses: int, polls: bool) -> None:
        self.clock, self.email, self.polls, self.guesses = clock, email, polls, 0
        self._due = [(clock.now + number * 0.1, new_address()) for number in range(addresses)]

    def go_on(self, seconds: float) -> None:
        until = self.clock.now + seconds
        while self._due[0][0] < until:
            due, address = self._due[0]
            self.clock.now = due
            wait = guess(self.email, address)
            self.guesses += not wait
            heapq.heapreplace(
                self._due, (due + (wait / 2 if self.polls and wait else wait or 1) + 0.01, address)
            )
        self.clock.now = until


@pytest.mark.parametrize("polls", [True, False])
@pytest.mark.parametrize("addresses", [1, 200])
def test_owner_signs_in_during_an_attack(owner: Person, clock: Clock, addresses: int, polls: bool):
    """From a known browser and from a known address at once; from elsewhere after one wait of 15 minutes at most."""
    email, home, known = owner.user.email, new_address(), Client(REMOTE_ADDR=new_address())
    assert post(email, owner.password, known).status_code == 302
    assert post(email, owner.password, Client(REMOTE_ADDR=home)).status_code == 302
    attack = Attack(clock, email, addresses, polls)
    attack.go_on(30)
    assert post(email, owner.password, known).status_code == 302
    assert post(email, owner.password, Client(REMOTE_ADDR=home)).status_code == 302
    elsewhere = Client(REMOTE_ADDR=new_address())
    answer = post(email, owner.password, elsewhere)
    if addresses == 1:
        assert answer.status_code == 302
    else:
        assert answer.status_code == 429 and int(answer["Retry-After"]) <= LONGEST_WAIT_SECONDS
        attack.go_on(int(answer["Retry-After"]) + 0.1)
        assert post(email, owner.password, elsewhere).status_code == 302
    assert attack.guesses <= (30 if addresses == 1 else 600)


def test_no_number_of_addresses_prolongs_a_wait_beyond_a_quarter_of_an_hour(owner: Person, clock: Clock):
    email, address = owner.user.email, new_address()
    account = Subject("account", email, sign_in.FREE_OF_ACCOUNT, window=sign_in.SHORT_WINDOW_SECONDS)
    for _ in range(5_000):
        failed_attempts().add(account)
    assert guess(email, address) == LONGEST_WAIT_SECONDS
    clock.now += LONGEST_WAIT_SECONDS
    assert post(email, owner.password, Client(REMOTE_ADDR=address)).status_code == 302


@pytest.mark.parametrize("exists", [True, False])
def test_account_waits_at_an_address_after_ten_wrong_passwords(owner: Person, exists: bool):
    email, client = (
        owner.user.email if exists else f"{uuid4().hex}@example.org",
        Client(REMOTE_ADDR=new_address()),
    )
    assert fail(email, 10, client) == [200] * 10
    page = post(email, owner.password, client)
    assert page.status_code == 429 and "Too many attempts to sign in. Wait" in page.content.decode()
    assert 1 <= int(page["Retry-After"]) <= 2
    assert "_auth_user_id" not in client.session
    assert fail(email, 1, Client(REMOTE_ADDR=new_address())) == [200]


def test_waits_double_until_a_quarter_of_an_hour(owner: Person, clock: Clock):
    email, address, waits = owner.user.email, new_address(), []
    for _ in range(9):
        assert guess(email, address) == 0
    for _ in range(7):
        assert guess(email, address) == 0
        waits.append(guess(email, address))
        clock.now += waits[-1]
    assert waits == [2, 8, 32, 128, 512, LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS]
    assert post(email, owner.password, Client(REMOTE_ADDR=address)).status_code == 302


def test_wait_begins_again_for_whoever_does_not_wait(owner: Person, clock: Clock):
    email, address = owner.user.email, new_address()
    for _ in range(10):
        guess(email, address)
    told = guess(email, address)
    clock.now += told - 1
    again = guess(email, address)
    assert again > told
    clock.now += 1
    assert guess(email, address) > 0
    assert guess(email, new_address()) == 0


def test_simultaneous_attempts_do_not_avoid_the_wait(owner: Person):
    email, address = owner.user.email, new_address()

    def attempt(_: int) -> int:
        try:
            return guess(email, address)
        except passwords.PasswordsBusyError:
            return 1
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(attempt, range(40)))
    assert waits.count(0) <= sign_in.FREE + 1


def test_strangers_cannot_make_a_known_browser_wait(owner: Person):
    """Neither by attempts for the account, nor from the address."""
    address = new_address()
    known = Client(REMOTE_ADDR=address)
    assert post(owner.user.email, owner.password, known).status_code == 302
    known.post(reverse("admin:logout"))
    assert 429 in fail(owner.user.email, 12, Client(REMOTE_ADDR=address))
    assert any(guess(f"{uuid4().hex}@example.org", address) for _ in range(102))
    assert post(owner.user.email, owner.password, known).status_code == 302
    assert 429 in fail(owner.user.email, 12, known)


def test_address_waits_after_wrong_passwords_for_many_accounts(database: None, clock: Clock):
    network = new_address().removesuffix("::1")
    waits = [guess(f"{uuid4().hex}@example.org", f"{network}::{number}") for number in range(1, 104)]
    assert waits[:100] == [0] * 100 and all(0 < wait <= 2 for wait in waits[100:])
    clock.now += 2
    assert guess(f"{uuid4().hex}@example.org", f"{network}::1") == 0, (
        "refusals do not prolong the wait of others"
    )


def test_right_passwords_do_not_use_up_the_address(owner: Person, clock: Clock):
    """An office at nine o'clock, behind one address."""
    address, colleague = new_address(), make_owner()
    request = RequestFactory(REMOTE_ADDR=address).post(LOGIN)
    for _ in range(99):
        assert guess(f"{uuid4().hex}@example.org", address) == 0
    for _ in range(20):
        assert auth.authenticate(request, username=owner.user.email, password=owner.password) == owner.user
    assert post(colleague.user.email, colleague.password, Client(REMOTE_ADDR=address)).status_code == 302


def test_attempts_that_were_not_made_are_not_counted(owner: Person, monkeypatch: pytest.MonkeyPatch):
    address = new_address()
    with monkeypatch.context() as busy:
        busy.setattr("tenants.passwords._admitted", BoundedSemaphore(1))
        assert passwords._admitted.acquire(blocking=False)
        statuses = {post(owner.user.email, WRONG, Client(REMOTE_ADDR=address)).status_code for _ in range(12)}
    assert statuses == {429}
    assert post(owner.user.email, owner.password, Client(REMOTE_ADDR=address)).status_code == 302


def test_away_redis_does_not_end_the_counting(owner: Person):
    with override_settings(REDIS_URL="unix:///nowhere.sock"):
        assert fail(owner.user.email, 11, Client(REMOTE_ADDR=new_address()))[-1] == 429


def test_throttling_is_recorded_once_for_a_wait(owner: Person, clock: Clock):
    address = new_address()
    assert [guess(owner.user.email, address) for _ in range(16)][10] > 0
    (event,) = throttled(payload_json__email=owner.user.email)
    assert event.payload_json["counted_for"] == "place"


def test_refusals_of_an_address_are_one_event_whatever_accounts_they_name(database: None, clock: Clock):
    """Else a stranger without an account would fill the platform's events, which are kept for ever."""
    address = new_address()
    for _ in range(100):
        guess(f"{uuid4().hex}@example.org", address)
    assert all(guess(f"{uuid4().hex}@example.org", address) for _ in range(50))
    (event,) = throttled(payload_json__address=address)
    assert event.payload_json["counted_for"] == "address"


def sign_in_page(owner: Person, client: Client) -> Callable[[], Any]:
    return lambda: post(owner.user.email, WRONG, client)


def password_page(owner: Person, client: Client) -> Callable[[], Any]:
    client.force_login(owner.user)
    form = {"old_password": WRONG, "new_password1": "a new password", "new_password2": "a new password"}
    return lambda: client.post(CHANGE, form)


def confirm_page(owner: Person, client: Client) -> Callable[[], Any]:
    client.force_login(owner.user)
    return lambda: client.post(reverse("admin:confirm_password"), {"present_password": WRONG})


def join_page(owner: Person, client: Client) -> Callable[[], Any]:
    page = client.get(link_for(make_owner(), owner.user.email), follow=True)
    form = {
        "current_password": WRONG,
        "new_password": "a new password",
        "repeated_password": "a new password",
    }
    return lambda: client.post("/join/", {"shown": page.context["shown"], **form})


PAGES = {
    "oyl/sign_in.py": [sign_in_page, password_page, confirm_page],
    "tenants/services/invitations.py": [join_page],
}


@pytest.mark.parametrize("page", [page for pages in PAGES.values() for page in pages])
def test_every_page_that_takes_a_password_is_limited_and_recorded(owner: Person, page: Any):
    """For the account and for the address."""
    address = new_address()
    send = page(owner, Client(REMOTE_ADDR=address))
    for _ in range(10):
        assert send().status_code == 200
    while "Too many attempts" not in send().content.decode():
        continue  # the first wait is a second, which a busy machine needs for a page
    with platform_scope():
        kept = PlatformEvent.objects.filter(payload_json__email=owner.user.email, action="sign_in.failed")
        assert [event.payload_json["address"] for event in kept] == [address] * len(kept)
    assert 10 <= len(kept) <= 13
    left = 100 - len(kept)
    assert sum(guess(f"{uuid4().hex}@example.org", address) == 0 for _ in range(left + 2)) == left


def test_modules_that_check_passwords_are_known():
    """A new one needs its page in PAGES."""
    folders = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == project.BASE_DIR]
    callers = {
        str(path.relative_to(project.BASE_DIR))
        for folder in folders
        for path in folder.rglob("*.py")
        if "authenticate(" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("authenticate", "auth.authenticate")
    }
    assert callers == set(PAGES)


def test_password_is_not_looked_at_without_a_request(owner: Person):
    with pytest.raises(TypeError, match="request"):
        auth.authenticate(username=owner.user.email, password=owner.password)


def test_pages_without_a_sign_in_are_limited_by_address(owner: Person, settings: Any):
    settings.OYL_ADDRESS_REQUESTS, address = 1, new_address()
    client = Client(REMOTE_ADDR=address)
    pages = [client.get(path) for path in (LOGIN, "/", "/admin/", "/set-password/x/y/", LOGIN, LOGIN)]
    assert [page.status_code == 429 for page in pages] == [False] * 5 + [True]
    assert 1 <= int(pages[-1]["Retry-After"]) <= 60
    assert client.get("/healthz").status_code == 200
    client.force_login(owner.user)
    assert client.get("/admin/").status_code == 200, "people who are signed in do not share the limit"
    assert Client(REMOTE_ADDR=new_address()).get(LOGIN).status_code == 200
