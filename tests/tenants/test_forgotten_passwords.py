"""Ways to a new password for those who have forgotten theirs."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, User
from tenants.services import password_links
from tenants.services.invitations import invite
from tenants.services.password_links import make_member_link, request_password_link
from tests.conftest import Person, accept, browser, make_member
from tests.support.passwords import authenticate

NEW = "another correct horse battery"
FORGOTTEN = reverse("admin_password_reset")


@pytest.fixture
def can_mail(settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"


def membership_of(person: Person) -> Membership:
    with tenant_scope(person.tenant_id):
        membership: Membership = Membership.objects.select_related("user").get(user=person.user)
        return membership


def choose(link: str, password: str = NEW) -> str:
    """What the page says after the link was opened and the form sent."""
    client = Client()
    page = client.get(re.sub(r"^https?://[^/]+", "", link), follow=True)
    if page.redirect_chain:
        form = {"new_password1": password, "new_password2": password}
        page = client.post(page.redirect_chain[-1][0], form, follow=True)
    return str(page.content.decode())


def mailed_link() -> str:
    (message,) = mail.outbox
    return str(re.findall(r"https?://\S+", str(message.body))[0])


def test_the_sign_in_page_leads_to_it(owner: Person):
    assert FORGOTTEN in Client().get(reverse("admin:login")).content.decode()


@pytest.mark.usefixtures("can_mail")
def test_a_link_is_mailed_and_works_once(owner: Person):
    request_password_link(email=owner.user.email.upper(), request_id="r").join()
    assert mail.outbox[0].to == [owner.user.email]
    assert "Your password is set" in choose(mailed_link())
    assert authenticate(username=owner.user.email, password=NEW)
    assert "does not work any more" in choose(mailed_link())


@pytest.mark.usefixtures("can_mail")
def test_the_page_says_the_same_for_every_address(
    owner: Person, operator: User, monkeypatch: pytest.MonkeyPatch
):
    pages = set()
    for email in (owner.user.email, operator.email, f"{uuid4()}@example.org"):
        page = Client().post(FORGOTTEN, {"email": email}, follow=True)
        assert "a link is on its way" in page.content.decode()
        pages.add(len(page.content))
    assert len(pages) == 1


@pytest.mark.usefixtures("can_mail")
def test_neither_operators_nor_those_who_are_switched_off_get_a_mail(owner: Person, operator: User):
    User.objects.filter(pk=owner.user.pk).update(is_active=False)
    for email in (owner.user.email, operator.email, f"{uuid4()}@example.org"):
        request_password_link(email=email, request_id="r").join()
    assert mail.outbox == []


@pytest.mark.usefixtures("can_mail")
def test_one_address_gets_few_mails(owner: Person):
    for _ in range(10):
        request_password_link(email=owner.user.email, request_id="r").join()
    assert 2 <= len(mail.outbox) <= password_links.FREE_LINKS + 1


def test_without_mail_the_page_says_whom_to_ask(owner: Person):
    page = Client().get(FORGOTTEN).content.decode()
    assert "Ask an administrator of your organisation" in page and "<form" not in page
    Client().post(FORGOTTEN, {"email": owner.user.email})
    assert mail.outbox == []


def test_an_owner_copies_a_link_for_a_member(owner: Person, colleague: Person):
    address = reverse("admin:tenants_membership_make_password_link", args=[membership_of(colleague).pk])
    client, session = owner.client, colleague.client
    page = client.post(address, {"_form_submitted": "True"}, follow=True)
    assert authenticate(username=colleague.user.email, password=colleague.password)
    assert "Your password is set" in choose(page.context["secret"].text)
    assert authenticate(username=colleague.user.email, password=NEW)
    assert session.get(reverse("admin:index")).status_code == 302
    log = client.get(reverse("admin:audit_auditlog_changelist")).content.decode()
    assert "made a link to choose a password for" in log


@pytest.mark.usefixtures("can_mail")
def test_an_owner_has_a_link_mailed(owner: Person, colleague: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):  # an account of two organisations gets mails as well
        Membership.objects.create(user=colleague.user, role=Role.VIEWER)
    assert make_member_link(actor=owner.actor, membership=membership_of(colleague)) is None
    assert mail.outbox[0].to == [colleague.user.email]
    assert "Your password is set" in choose(mailed_link())


def test_no_link_is_shown_for_an_account_of_two_organisations(
    owner: Person, colleague: Person, stranger: Person
):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=colleague.user, role=Role.VIEWER)
    with pytest.raises(ConflictError, match="not only your organisation's"):
        make_member_link(actor=owner.actor, membership=membership_of(colleague))


def test_a_shown_link_does_not_open_an_organisation_that_was_joined_later(
    owner: Person, stranger: Person, settings: Any
):
    settings.EMAIL_HOST = "mail.example.org"
    email = f"member-{uuid4().hex[:8]}@example.org"
    invite(actor=owner.actor, email=email, role=Role.VIEWER)
    user = accept(mailed_link())  # verified, because the link was mailed
    settings.EMAIL_HOST = ""
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.select_related("user").get(user=user)
    link = make_member_link(actor=owner.actor, membership=membership)
    accept(
        str(invite(actor=stranger.actor, email=email, role=Role.VIEWER).link),
        current_password="correct horse battery staple",
        new_password="mine alone, nobody knows it",
    )
    assert "does not work any more" in choose(str(link))


def test_admins_cannot_make_links_for_owners_nor_viewers_any(owner: Person, viewer: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    for person, member in ((admin, owner), (viewer, admin)):
        address = reverse("admin:tenants_membership_make_password_link", args=[membership_of(member).pk])
        assert browser(person.user).post(address, {"_form_submitted": "True"}).status_code == 403
