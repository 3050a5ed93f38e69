"""Signing in, and switching between tenants."""

from __future__ import annotations

import re
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, Tenant, User
from tenants.services.members import remember_entry
from tests.conftest import Person
from workspaces.models import Workspace

LOGIN = reverse("admin:login")
INDEX = reverse("admin:index")
SWITCH = reverse("admin:switch_tenant")


def tenant_name(person: Person) -> str:
    with tenant_scope(person.tenant_id):
        return Tenant.objects.get(pk=person.tenant_id).name


def test_login_by_email_opens_the_overview(owner: Person):
    client = Client()
    response = client.post(
        LOGIN, {"username": owner.user.email.upper(), "password": owner.password}, follow=True
    )
    assert response.redirect_chain[-1][0] == INDEX
    assert tenant_name(owner) in response.content.decode()


def test_wrong_password_is_explained(owner: Person):
    response = Client().post(LOGIN, {"username": owner.user.email, "password": "wrong"})
    assert "do not match an active account" in response.content.decode()


def test_user_without_membership_cannot_log_in(database: None):
    user = User.objects.create_user(
        f"no-tenant-{uuid4().hex[:8]}@example.org", "correct horse battery staple"
    )
    client = Client()
    response = client.post(LOGIN, {"username": user.email, "password": "correct horse battery staple"})
    assert "does not belong to an organisation yet" in response.content.decode()
    assert "_auth_user_id" not in client.session
    client.force_login(user)
    response = client.get(INDEX, follow=True)
    assert response.redirect_chain[-1][0].startswith(LOGIN)
    assert "does not belong to an organisation yet" in response.content.decode()


def test_member_of_two_tenants_can_switch(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.VIEWER)
    client = owner.client
    client.post(SWITCH, {"tenant": str(stranger.tenant_id)})
    page = client.get(INDEX)
    assert tenant_name(stranger) in page.context["site_subheader"]
    assert client.post(reverse("admin:workspaces_workspace_add"), {"name": "x"}).status_code == 403
    client.post(SWITCH, {"tenant": str(owner.tenant_id)})
    assert tenant_name(owner) in client.get(INDEX).context["site_subheader"]


def test_switching_to_a_foreign_tenant_is_refused(owner: Person, stranger: Person):
    client = owner.client
    for tenant in (str(stranger.tenant_id), str(uuid4()), "", "nonsense"):
        response = client.post(SWITCH, {"tenant": tenant}, follow=True)
        assert "There is no such organisation" in response.content.decode()
        assert tenant_name(owner) in response.context["site_subheader"]


def test_switching_needs_a_post_with_a_csrf_token(owner: Person):
    assert owner.client.get(SWITCH).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner.user)
    assert strict.post(SWITCH, {"tenant": str(owner.tenant_id)}).status_code == 403


def test_form_of_one_tenant_is_not_saved_in_another(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.OWNER)
    client, add = Client(enforce_csrf_checks=True), reverse("admin:workspaces_workspace_add")
    client.force_login(owner.user)
    remember_entry(owner.user.pk, owner.tenant_id)
    form = {
        "name": "Meant for here",
        "description": "",
        "csrfmiddlewaretoken": csrf_token(client.get(add).content.decode()),
    }
    switch = {"tenant": str(stranger.tenant_id), "csrfmiddlewaretoken": form["csrfmiddlewaretoken"]}
    assert client.post(SWITCH, switch).status_code == 302
    response = client.post(add, form)
    assert response.status_code == 403
    assert "changed to another organisation, after this page was opened" in response.content.decode()
    with tenant_scope(stranger.tenant_id):
        assert not Workspace.objects.exists()
    form["csrfmiddlewaretoken"] = csrf_token(client.get(add).content.decode())
    assert client.post(add, form).status_code == 302


def csrf_token(page: str) -> str:
    match = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert match
    return match[1]


def test_user_removed_from_a_tenant_chooses_another(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        guest = Membership.objects.create(user=owner.user, role=Role.OWNER)
    client = owner.client
    client.post(SWITCH, {"tenant": str(stranger.tenant_id)})
    assert tenant_name(stranger) in client.get(INDEX).content.decode()
    with tenant_scope(stranger.tenant_id):
        guest.delete()
    assert client.post(reverse("admin:workspaces_workspace_add"), {"name": "Lost"}).status_code == 302
    assert client.get("/api/v1/documents/").status_code == 401
    page = client.get(INDEX, follow=True).content.decode()
    assert "Choose another one" in page and tenant_name(owner) in page and tenant_name(stranger) not in page
    client.post(SWITCH, {"tenant": str(owner.tenant_id)})
    assert tenant_name(owner) in client.get(INDEX).context["site_subheader"]
    with tenant_scope(owner.tenant_id):
        assert not Workspace.objects.exists()


def test_overview_shows_the_next_step(owner: Person, viewer: Person):
    assert "Start with your first documents" in owner.client.get(INDEX).content.decode()
    assert "Editors of your organisation" in viewer.client.get(INDEX).content.decode()


def test_empty_search_result_gives_advice(viewer: Person):
    address = reverse("admin:try_search")
    assert viewer.client.get(address).status_code == 200
    page = viewer.client.get(address, {"query": "zebras", "mode": "hybrid"}).content.decode()
    assert "Nothing found. Try other words" in page
    assert "This field is required" in viewer.client.get(address, {"query": ""}).content.decode()
