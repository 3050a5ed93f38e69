"""What a link still does when something else has happened since it was made, or since its page was opened."""

from __future__ import annotations

from uuid import uuid4

from django.test import Client

from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.access import tenants_of_user
from tenants.models import Membership, User
from tests.conftest import PASSWORD, Person
from tests.support.api_client import make_caller
from tests.tenants.links import join_page, link_for, send_form

FORM = {"name": "Ada", "new_password": PASSWORD, "repeated_password": PASSWORD}


def address() -> str:
    return f"person-{uuid4().hex[:10]}@example.org"


def is_member(tenant: Person, email: str) -> bool:
    with tenant_scope(tenant.tenant_id):
        return bool(Membership.objects.filter(user__email=email).exists())


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
