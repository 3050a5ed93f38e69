"""What a link still does when something else has happened since it was made, or since its page was opened."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditLog, PlatformEvent
from core.isolation.scope import platform_scope, tenant_scope
from core.models import QuotaLimit, QuotaUse
from core.permissions import Role
from core.quota_kinds import QuotaKind
from oyl import joining
from tenants import passwords
from tenants.access import tenants_of_user
from tenants.models import ApiKey, Invitation, Membership, User
from tenants.services.members import remove_member, set_role
from tests.conftest import PASSWORD, Person, browser, make_member
from tests.knowledge.interruptions import before
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.tenants.commands import output
from tests.tenants.links import choose_by_link, join_page, link_for, send_form

FORM = {"name": "Ada", "new_password": PASSWORD, "repeated_password": PASSWORD}


def address() -> str:
    return f"person-{uuid4().hex[:10]}@example.org"


def is_member(tenant: Person, email: str) -> bool:
    with tenant_scope(tenant.tenant_id):
        return bool(Membership.objects.filter(user__email=email).exists())


def link_by_key(caller: Caller, email: str) -> str:
    return str(caller.post("invitations/", {"email": email, "role": "viewer"}).json()["link"])


def made_by(caller: Caller, body: dict[str, Any]) -> Caller:
    """With a new key, which the caller's key has made."""
    return Caller(replace(caller.key, secret=caller.post("api-keys/", body).json()["key"]))


def events(tenant: Person, action: str) -> list[str]:
    """What each of the events was about: an address or a name."""
    with tenant_scope(tenant.tenant_id):
        old = AuditLog.objects.filter(action=action).values_list("payload_json__old", flat=True)
        return [one.get("email") or one["name"] for one in old]


def test_form_accepts_the_invitation_that_its_page_showed(owner: Person, stranger: Person):
    """A page of another tenant has opened its own link in the same browser meanwhile."""
    client, email = Client(), address()
    page = join_page(client, link_for(owner, email))
    client.get(link_for(stranger, email))
    again = send_form(client, page, **FORM)
    assert "Nothing was accepted" in again.content.decode() and not User.objects.filter(email=email).exists()
    send_form(client, again, **FORM)
    (access,) = tenants_of_user(User.objects.get(email=email).pk)
    assert access.tenant_id == stranger.tenant_id and access.name in again.content.decode()


def test_form_accepts_nothing_that_has_changed_since_its_page_was_opened(owner: Person):
    email = address()
    link = link_for(owner, email)
    pages = {client: join_page(client, link) for client in (Client(), Client())}
    first, second = pages
    renamed = make_caller(owner)("patch", f"tenants/{owner.tenant_id}/", {"name": f"New {uuid4().hex}"})
    assert renamed.status_code == 200
    assert "Nothing was accepted" in send_form(first, pages[first], **FORM).content.decode()
    link_for(owner, email, Role.ADMIN)
    assert send_form(second, pages[second], **FORM).status_code == 404
    assert not is_member(owner, email)


# Who has made a link must still be allowed to.


@pytest.mark.parametrize("end", ["removed", "demoted", "switched off", "password reset"])
@pytest.mark.parametrize("by_key", [False, True], ids=["in a session", "by a key"])
def test_links_of_who_may_not_invite_any_more_open_nothing(
    end: str, by_key: bool, owner: Person, operator: User
):
    inviter = make_member(owner.tenant_id, Role.ADMIN)
    client, email = Client(), address()
    page = join_page(client, link_by_key(make_caller(inviter), email) if by_key else link_for(inviter, email))
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.get(user=inviter.user)
    if end == "removed":
        remove_member(actor=owner.actor, membership=membership)
    if end == "demoted":
        set_role(actor=owner.actor, membership=membership, role=Role.EDITOR)
    if end == "switched off":
        browser(operator).post(
            url(User, "change", inviter.user.pk), {"email": inviter.user.email, "name": ""}
        )
    if end == "password reset":
        reset = {"action": "reset_password", "_selected_action": str(inviter.user.pk)}
        assert "secret" in browser(operator).post(url(User, "changelist"), reset, follow=True).context
    assert send_form(client, page, **FORM).status_code == 404 and not is_member(owner, email)
    if end != "switched off":
        assert events(owner, "invitation.revoked") == [email]
    join_page(Client(), link_for(owner, email), **FORM)
    assert is_member(owner, email)


def test_links_of_an_owner_end_only_as_far_as_their_new_role_reaches(owner: Person):
    inviter, emails = make_member(owner.tenant_id, Role.OWNER), {role: address() for role in Role}
    pages = {
        role: (client := Client(), join_page(client, link_for(inviter, emails[role], role))) for role in Role
    }
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.get(user=inviter.user)
    set_role(actor=owner.actor, membership=membership, role=Role.ADMIN)
    for client, page in pages.values():
        send_form(client, page, **FORM)
    assert {role for role in Role if is_member(owner, emails[role])} == set(Role) - {Role.OWNER}


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_links_that_a_key_made_end_with_the_key(end: str, owner: Person):
    caller, client, email = make_caller(owner), Client(), address()
    page = join_page(client, link_by_key(caller, email))
    if end == "revoked":
        make_caller(owner)("delete", f"api-keys/{caller.key.api_key.pk}/")
    else:
        with tenant_scope(owner.tenant_id):
            ApiKey.objects.filter(pk=caller.key.api_key.pk).update(expires_at=timezone.now())
    assert send_form(client, page, **FORM).status_code == 404 and not is_member(owner, email)


def test_links_of_commands_and_operators_do_not_depend_on_members(owner: Person, operator: User):
    emails, visit = (address(), address()), browser(operator)
    visit.post(reverse("admin:enter_tenant"), {"tenant": str(owner.tenant_id), "reason": "A new owner"})
    by_operator = visit.post(url(Invitation, "add"), {"email": emails[0], "role": "owner"}, follow=True)
    by_command = output("invite", emails[1], role="owner", tenant=str(owner.tenant_id), json=True)
    with tenant_scope(owner.tenant_id):
        Membership.objects.all().delete()
    join_page(Client(), by_operator.context["secret"].text, **FORM)
    join_page(Client(), json.loads(by_command)["link"], **FORM)
    assert all(is_member(owner, email) for email in emails)


# What a key makes ends with it.


def test_key_makes_no_key_that_lasts_longer(owner: Person):
    soon, later = (timezone.now() + timedelta(hours=hours) for hours in (1, 2))
    caller = make_caller(owner, expires_at=soon)
    body = {"name": "Made", "scopes": ["organisation:write"]}
    assert_problem(caller.post("api-keys/", {**body, "expires_at": later.isoformat()}), 403, "forbidden")
    child = made_by(caller, body)
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(made_by=caller.key.api_key).expires_at == soon
    assert child.get("tenants/").status_code == 200
    assert_problem(child.post("api-keys/", body), 403, "forbidden")
    make_caller(owner)("delete", f"api-keys/{caller.key.api_key.pk}/")
    assert child.get("tenants/").status_code == 401 and len(events(owner, "api_key.revoked")) == 2


def test_requests_and_uses_of_made_keys_count_as_those_of_their_maker(owner: Person, settings: Any):
    caller = make_caller(owner)
    body = {"name": "Made", "scopes": ["workspaces:write"]}
    children = [made_by(caller, body) for _ in "ab"]
    settings.OYL_KEY_REQUESTS = 4  # for each of them, if they were counted apart
    assert [one.get("workspaces/").status_code for one in children * 4].count(200) < 8
    settings.OYL_KEY_REQUESTS = 600
    of_key = {"kind": QuotaKind.EVENTS, "credential": caller.key.api_key.prefix}
    with tenant_scope(owner.tenant_id):
        used = QuotaUse.objects.filter(**of_key).aggregate(used=Sum("amount"))["used"]
        QuotaLimit.objects.create(**of_key, amount=used + 1)
    first, second = (one.post("workspaces/", {"name": f"Made {uuid4()}"}) for one in children)
    assert first.status_code == 201
    assert_problem(second, 429, "quota_exceeded")


# Links to choose a password.


def link_to_reset(operator: User, user: User) -> str:
    form = {"action": "reset_password", "_selected_action": [str(user.pk)]}
    page = browser(operator).post(url(User, "changelist"), form, follow=True)
    return str(page.context["secret"].text)


def test_of_two_who_use_a_link_at_once_one_succeeds(
    owner: Person, operator: User, monkeypatch: pytest.MonkeyPatch
):
    link, waiting = link_to_reset(operator, owner.user), ["the first one of both"]
    before(monkeypatch, joining, "hash_password", lambda: waiting and choose_by_link(link, waiting.pop()))
    answer = choose_by_link(link, "the second one of both")
    assert "changed meanwhile" in answer.content.decode()
    assert passwords.matches(owner.user.pk, "the first one of both")
    assert not passwords.matches(owner.user.pk, "the second one of both")
    with platform_scope():
        assert PlatformEvent.objects.filter(action="password.changed", object_id=owner.user.pk).count() == 2
    assert "does not work any more" in Client().get(link, follow=True).content.decode()


def test_link_to_choose_a_password_asks_to_wait_while_others_sign_in(
    owner: Person, operator: User, monkeypatch: pytest.MonkeyPatch
):
    link = link_to_reset(operator, owner.user)
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "_admitted", (busy := BoundedSemaphore(1)))
        busy.acquire()
        answer = choose_by_link(link, "chosen by the person")
    assert (answer.status_code, answer["Retry-After"]) == (429, "2")
    assert choose_by_link(link, "chosen by the person").status_code == 302
    assert passwords.matches(owner.user.pk, "chosen by the person")
