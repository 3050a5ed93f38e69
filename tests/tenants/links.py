"""Links, as the person who gets them uses them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from core.permissions import Role
from tenants.services.invitations import invite
from tests.conftest import Person


def link_for(tenant: Person, email: str, role: Role = Role.VIEWER) -> str:
    link = invite(actor=tenant.actor, email=email, role=role).link
    assert link
    return link


def join_page(client: Client, link: str, **form: str) -> Any:
    """Open the link, and send the form of its page, if there is one."""
    page = client.get(link, follow=True)
    return send_form(client, page, **form) if form else page


def send_form(client: Client, page: Any, **form: str) -> Any:
    """Send the form of a page that was opened before, with what it shows."""
    return client.post("/join/", {"shown": page.context["shown"], **form}, follow=True)


def choose_by_link(link: str, password: str) -> Any:
    """The answer to the form of a link to choose a password."""
    client = Client()
    page = client.get(link, follow=True)
    form = {"new_password1": password, "new_password2": password}
    return client.post(page.redirect_chain[-1][0], form)
