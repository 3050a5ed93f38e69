"""Signing in with a second factor, and one's account page."""

from __future__ import annotations

import re
import threading
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from audit.models import PlatformEvent
from core.isolation.scope import platform_scope, tenant_scope
from core.permissions import Role
from tenants.models import Membership, User
from tenants.services.invitations import invite
from tenants.services.organisations import rotate_keys
from tests.conftest import PASSWORD, Person, browser, make_owner
from tests.tenants.members import TURN_ON, code_of, turned_on

LOGIN, CODE, INDEX = reverse("admin:login"), reverse("second_factor"), reverse("admin:index")
ACCOUNT = reverse("admin:account")
SECOND_KEY = "k2:" + "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="


def with_password(user: User, password: str = PASSWORD, client: Client | None = None, **form: str) -> Client:
    """A client that has entered the right password."""
    client = client or Client(REMOTE_ADDR=f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1")
    page = client.post(LOGIN, {"username": user.email, "password": password, **form})
    assert page.status_code == 302 and page["Location"] == CODE
    return client


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def test_the_password_alone_does_not_sign_in(owner: Person):
    secret, _ = turned_on(owner.client)
    client = with_password(owner.user, next=ACCOUNT)
    assert not is_in(client)
    assert client.post(CODE, {"code": "000000"}).status_code == 200 and not is_in(client)
    page = client.post(CODE, {"code": code_of(secret)})
    assert page["Location"] == ACCOUNT and is_in(client)


def test_a_code_works_once(owner: Person):
    secret, _ = turned_on(owner.client)
    code = code_of(secret)
    assert with_password(owner.user).post(CODE, {"code": code}).status_code == 302
    second = with_password(owner.user)
    assert "used already" in second.post(CODE, {"code": code}).content.decode() and not is_in(second)


def test_each_recovery_code_works_once(owner: Person):
    _, codes = turned_on(owner.client)
    first, second = with_password(owner.user), with_password(owner.user)
    first.post(CODE, {"code": codes[0]})
    second.post(CODE, {"code": codes[0]})
    assert is_in(first) and not is_in(second)
    assert "9 of your recovery codes" in first.get(ACCOUNT).content.decode()
    fresh = first.post(ACCOUNT, {"do": "new_codes"}).context["codes"]
    assert not set(fresh) & set(codes)
    second.post(CODE, {"code": codes[1]})
    assert not is_in(second)


def test_guesses_have_to_wait(owner: Person):
    secret, _ = turned_on(owner.client)
    answers = [
        with_password(owner.user).post(CODE, {"code": f"{number:06}"}).status_code for number in range(9)
    ]
    assert answers[0] == 200 and answers[-1] == 429
    client = with_password(owner.user)
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 429 and not is_in(client)


def test_without_a_password_no_code_is_taken(owner: Person):
    secret, _ = turned_on(owner.client)
    assert Client().post(CODE, {"code": code_of(secret)})["Location"] == LOGIN
    client = with_password(owner.user)
    owner.user.set_password("quite another password")
    owner.user.save()
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == LOGIN and not is_in(client)


def test_an_invitation_is_no_way_around_it(owner: Person, stranger: Person):
    turned_on(owner.client)
    User.objects.filter(pk=owner.user.pk).update(email_verified_at="2026-01-01T00:00:00Z")
    link = str(invite(actor=stranger.actor, email=owner.user.email, role=Role.VIEWER).link)
    client = Client()
    client.get(re.sub(r"^https?://[^/]+", "", link))
    shown = client.get(reverse("join")).context["shown"]
    page = client.post(reverse("join"), {"current_password": PASSWORD, "shown": shown})
    assert page["Location"] == CODE and not is_in(client)
    with tenant_scope(stranger.tenant_id):
        assert Membership.objects.filter(user=owner.user).exists()


def test_a_wrong_first_code_turns_nothing_on(owner: Person):
    client = owner.client
    client.get(TURN_ON)
    assert "not the code that the app shows" in client.post(TURN_ON, {"code": "000000"}).content.decode()
    assert not Authenticator.objects.filter(user=owner.user).exists()


@pytest.mark.parametrize("do", ["turn_off", "new_codes"])
def test_changing_it_needs_a_recent_password(owner: Person, do: str):
    turned_on(owner.client)
    client = Client()
    client.force_login(owner.user)  # long ago
    assert "Enter your password again" in client.post(ACCOUNT, {"do": do}).content.decode()
    assert Authenticator.objects.filter(user=owner.user).count() == 2


def test_it_is_turned_off_by_oneself_or_an_operator(owner: Person, stranger: Person, operator: User):
    for person in (owner, stranger):
        turned_on(person.client)
    owner.client.post(ACCOUNT, {"do": "turn_off"})
    chosen = {"action": "turn_off_second_factor", "_selected_action": [str(stranger.user.pk)]}
    browser(operator).post(reverse("admin:tenants_user_changelist"), chosen)
    for person in (owner, stranger):
        page = Client().post(LOGIN, {"username": person.user.email, "password": PASSWORD})
        assert page["Location"] == INDEX


def test_operators_are_asked_too(operator: User):
    secret, _ = turned_on(browser(operator))
    client = with_password(operator, "correct horse battery staple")
    assert not is_in(client)
    client.post(CODE, {"code": code_of(secret)})
    assert is_in(client)


def test_secrets_are_stored_encrypted_and_rotated(owner: Person):
    secret, codes = turned_on(owner.client)
    stored = str(list(Authenticator.objects.filter(user=owner.user).values_list("data", flat=True)))
    assert secret not in stored and codes[0] not in stored
    with override_settings(OYL_ENCRYPTION_KEYS=f"{SECOND_KEY},{settings.OYL_ENCRYPTION_KEYS}"):
        assert rotate_keys(actor=owner.actor).rotated["mfa_authenticator"] == 2
    with override_settings(OYL_ENCRYPTION_KEYS=SECOND_KEY):
        client = with_password(owner.user)
        client.post(CODE, {"code": code_of(secret)})
        assert is_in(client)


def test_sign_out_everywhere_else(owner: Person):
    here, there = owner.client, owner.client
    assert is_in(here) and is_in(there)
    here.post(ACCOUNT, {"do": "end_sessions"})
    assert is_in(here) and not is_in(there)
    assert is_in(make_owner().client)


def test_operators_sign_out_everywhere_else(operator: User):
    here, there = browser(operator), browser(operator)
    here.post(ACCOUNT, {"do": "end_sessions"})
    assert is_in(here) and not is_in(there)


def test_everything_is_in_the_audit_log(owner: Person):
    client = owner.client
    secret, _ = turned_on(client)
    client.post(ACCOUNT, {"do": "end_sessions"})
    other = with_password(owner.user)
    other.post(CODE, {"code": "000000"})
    other.post(CODE, {"code": code_of(secret)})
    other.post(reverse("admin:logout"))
    client.post(ACCOUNT, {"do": "turn_off"})
    log = re.sub(r"<[^>]+>|\s+", " ", client.get(reverse("admin:audit_auditlog_changelist")).content.decode())
    for sentence in (
        "turned on the second factor",
        "signed out everywhere",
        "signed in",
        "signed out",
        "turned off the second",
    ):
        assert sentence in log, sentence
    with platform_scope():
        failed = PlatformEvent.objects.filter(action="second_factor.failed", user_id=owner.user.pk)
        assert failed.exists()


def test_a_changed_password_is_in_the_audit_log(owner: Person):
    client, new = owner.client, "some other password, long"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post(reverse("admin:password_change"), form)
    log = re.sub(r"<[^>]+>|\s+", " ", client.get(reverse("admin:audit_auditlog_changelist")).content.decode())
    assert "changed the password of" in log


def test_a_failed_sign_in_is_in_the_audit_log_of_the_organisation_alone(owner: Person, stranger: Person):
    Client().post(LOGIN, {"username": owner.user.email, "password": "wrong"})
    Client().post(LOGIN, {"username": "nobody@example.org", "password": "wrong"})
    for thread in threading.enumerate():
        if thread.name == "teller":
            thread.join()
    pages = [person.client.get(reverse("admin:audit_auditlog_changelist")) for person in (owner, stranger)]
    own, other = (page.content.decode() for page in pages)
    assert "failed to sign in" in own and "failed to sign in" not in other
