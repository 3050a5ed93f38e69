"""The marks that tell organisations of similar names apart, on every page where one is chosen or worked in."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from core.permissions import Role
from oyl.tenant_marks import mark_of, marked_name
from tenants.models import Membership, Tenant, User
from tests.conftest import Person, browser
from tests.support.admin_rows import Rows
from tests.tenants.links import link_for

INDEX = reverse("admin:index")
UPLOAD = reverse("admin:knowledge_document_add")


def named_alike(owner: Person, stranger: Person) -> None:
    """Both organisations have one name; the owner belongs to both, and works in their own."""
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            Tenant.objects.filter(pk=person.tenant_id).update(name="Beta")
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.EDITOR)


def marks(page: Any) -> list[str]:
    """Those on the page, in their order, with the name that follows."""
    return re.findall(r'class="oyl-mark"[^>]*>([0-9a-f]{6})</span> Beta', page.content.decode())


def test_header_switch_and_upload_page_show_the_mark(owner: Person, stranger: Person, rows: Rows):
    named_alike(owner, stranger)
    client, own, other = owner.client, mark_of(owner.tenant_id), mark_of(stranger.tenant_id)
    client.post(reverse("admin:switch_tenant"), {"tenant": str(owner.tenant_id)})
    assert own != other and set(marks(client.get(INDEX))) == {own, other}
    assert marks(client.get(INDEX))[0] == own
    upload = client.get(UPLOAD).content.decode()
    assert own in upload.partition("You upload to")[2].partition("</p>")[0]


def test_page_to_choose_an_organisation_shows_the_marks(owner: Person, stranger: Person):
    named_alike(owner, stranger)
    page = owner.client.get(INDEX, follow=True)
    assert set(marks(page)) == {mark_of(owner.tenant_id), mark_of(stranger.tenant_id)}


def test_invitation_and_visit_show_the_mark(owner: Person, operator: User):
    with tenant_scope(owner.tenant_id):
        Tenant.objects.filter(pk=owner.tenant_id).update(name="Beta")
    mark = mark_of(owner.tenant_id)
    assert marks(Client().get(link_for(owner, "new@example.org"), follow=True)) == [mark]
    client = browser(operator)
    assert f"Beta ({mark})" in client.get(reverse("admin:enter_tenant")).content.decode()
    client.post(reverse("admin:enter_tenant"), {"tenant": str(owner.tenant_id), "reason": "Ticket 12"})
    assert marks(client.get(INDEX)) == [mark]


def test_mark_comes_from_the_id_alone_and_is_no_name(owner: Person):
    first, second = (marked_name(owner.tenant_id, name) for name in ("One", "<b>Two"))
    assert first.partition("</span>")[0] == second.partition("</span>")[0]
    assert second.endswith("&lt;b&gt;Two") and "--hue: " in first
