"""The list of one's sessions, and ending them one by one, of a member, and of a user."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from core.sessions import sessions_of
from tenants.models import User
from tests.conftest import PASSWORD, Person, browser
from tests.tenants.members import membership_of

LOGIN, INDEX, ACCOUNT = reverse("admin:login"), reverse("admin:index"), reverse("admin:account")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


def signed_in(user: User, agent: str, address: str = "2001:db8::7", password: str = PASSWORD) -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    client.post(LOGIN, {"username": user.email, "password": password})
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def words(client: Client, address: str = ACCOUNT) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", client.get(address).content.decode())


def test_sessions_are_listed_with_browser_and_address(owner: Person):
    here, there = signed_in(owner.user, FIREFOX), signed_in(owner.user, EDGE, "2001:db8::8")
    page = re.sub(r" +", " ", words(here))
    assert "Firefox on Linux (this one)" in page and "2001:db8::7, signed in" in page
    assert "Edge on Windows" in page and "Edge on Windows (this one)" not in page and "2001:db8::8" in page
    assert "Edge on Windows (this one)" in re.sub(r" +", " ", words(there))


def test_one_is_ended_and_the_others_stay(owner: Person):
    here, there = signed_in(owner.user, FIREFOX), signed_in(owner.user, EDGE)
    other = next(one for one in sessions_of(owner.user) if "Edg" in one.browser)
    here.post(ACCOUNT, {"do": f"end_session {other.id}"})
    assert is_in(here) and not is_in(there)
    assert "ended a session" in words(here, reverse("admin:audit_auditlog_changelist"))


def test_the_list_is_right_after_a_changed_password(owner: Person):
    """The present session gets another key, and the others end."""
    here = signed_in(owner.user, FIREFOX)
    signed_in(owner.user, EDGE)
    new = "some other password, long"
    here.post(
        reverse("admin:password_change"),
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    owner.user.refresh_from_db()
    assert [one.browser for one in sessions_of(owner.user)] == [FIREFOX]
    assert "(this one)" in words(here)


def test_nobody_ends_a_session_of_somebody_else(owner: Person, stranger: Person):
    client = signed_in(owner.user, FIREFOX)
    session = next(one for one in sessions_of(owner.user) if one.browser == FIREFOX)
    stranger.client.post(ACCOUNT, {"do": f"end_session {session.id}"})
    assert is_in(client)
    assert session.id not in stranger.client.get(ACCOUNT).content.decode()


def test_what_a_browser_says_is_text(owner: Person):
    client = signed_in(owner.user, "<script>alert(1)</script> Firefox/1 Linux")
    assert "<script>alert" not in client.get(ACCOUNT).content.decode()


def test_the_table_stays_closed(owner: Person):
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("SELECT address FROM django_session")


def sign_out(client: Client, person: Person) -> int:
    address = reverse("admin:tenants_membership_sign_out", args=[membership_of(person).pk])
    return client.post(address, {"_form_submitted": "True"}).status_code


def test_an_owner_signs_a_member_out(owner: Person, colleague: Person, stranger: Person):
    client = signed_in(colleague.user, FIREFOX, password=colleague.password)
    assert sign_out(colleague.client, owner) == 403 and sign_out(stranger.client, colleague) == 403
    assert is_in(client)
    sign_out(owner.client, colleague)
    assert not is_in(client)
    assert "ended all sessions of" in words(owner.client, reverse("admin:audit_auditlog_changelist"))


def test_an_operator_signs_a_user_out(owner: Person, operator: User):
    client = signed_in(owner.user, FIREFOX)
    chosen = {"action": "sign_out", "_selected_action": [str(owner.user.pk)]}
    browser(operator).post(reverse("admin:tenants_user_changelist"), chosen)
    assert not is_in(client)
