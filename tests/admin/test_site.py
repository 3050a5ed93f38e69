"""Signing in, and in which organisation one then works."""

from __future__ import annotations

import re
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, Tenant, User
from tests.admin.conftest import browser
from tests.conftest import Person
from workspaces.models import Workspace

LOGIN = reverse("admin:login")
INDEX = reverse("admin:index")
SWITCH = reverse("admin:switch_tenant")


def name_of(person: Person) -> str:
    with tenant_scope(person.tenant_id):
        return Tenant.objects.get(pk=person.tenant_id).name


def test_signing_in_by_e_mail_leads_to_the_overview_of_one_s_organisation(owner: Person):
    client = Client()
    answer = client.post(
        LOGIN, {"username": owner.user.email.upper(), "password": owner.password}, follow=True
    )
    assert answer.redirect_chain[-1][0] == INDEX
    assert name_of(owner) in answer.content.decode()


def test_a_wrong_password_is_told_clearly(owner: Person):
    answer = Client().post(LOGIN, {"username": owner.user.email, "password": "wrong"})
    assert "do not match an active account" in answer.content.decode()


def test_somebody_without_an_organisation_is_told_so_and_stays_outside(database: None):
    user = User.objects.create_user(f"nobody-{uuid4().hex[:8]}@example.org", "correct horse battery staple")
    client = Client()
    answer = client.post(LOGIN, {"username": user.email, "password": "correct horse battery staple"})
    assert "does not belong to an organisation yet" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    client.force_login(user)
    answer = client.get(INDEX, follow=True)
    assert answer.redirect_chain[-1][0].startswith(LOGIN)
    assert "does not belong to an organisation yet" in answer.content.decode()


def test_a_member_of_two_organisations_switches_between_them(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.VIEWER)
    client = owner.client
    client.post(SWITCH, {"tenant": str(stranger.tenant_id)})
    page = client.get(INDEX)
    assert page.context["site_subheader"] == name_of(stranger)
    assert client.post(reverse("admin:workspaces_workspace_add"), {"name": "x"}).status_code == 403
    client.post(SWITCH, {"tenant": str(owner.tenant_id)})
    assert client.get(INDEX).context["site_subheader"] == name_of(owner)


def test_nobody_switches_to_an_organisation_that_is_not_theirs(owner: Person, stranger: Person):
    client = owner.client
    for tenant in (str(stranger.tenant_id), str(uuid4()), "", "nonsense"):
        answer = client.post(SWITCH, {"tenant": tenant}, follow=True)
        assert "There is no such organisation" in answer.content.decode()
        assert answer.context["site_subheader"] == name_of(owner)


def test_switching_needs_a_post_with_a_csrf_token(owner: Person):
    assert owner.client.get(SWITCH).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner.user)
    assert strict.post(SWITCH, {"tenant": str(owner.tenant_id)}).status_code == 403


def test_a_form_of_one_organisation_is_not_saved_into_another(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.OWNER)
    client, add = Client(enforce_csrf_checks=True), reverse("admin:workspaces_workspace_add")
    client.force_login(owner.user)
    form = {
        "name": "Meant for here",
        "description": "",
        "csrfmiddlewaretoken": token_on(client.get(add).content.decode()),
    }
    there = {"tenant": str(stranger.tenant_id), "csrfmiddlewaretoken": form["csrfmiddlewaretoken"]}
    assert client.post(SWITCH, there).status_code == 302
    answer = client.post(add, form)
    assert answer.status_code == 403
    assert "changed to another organisation, after this page was opened" in answer.content.decode()
    with tenant_scope(stranger.tenant_id):
        assert not Workspace.objects.exists()
    form["csrfmiddlewaretoken"] = token_on(client.get(add).content.decode())
    assert client.post(add, form).status_code == 302


def token_on(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]


def test_whose_organisation_is_gone_chooses_another(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        guest = Membership.objects.create(user=owner.user, role=Role.OWNER)
    client = owner.client
    client.post(SWITCH, {"tenant": str(stranger.tenant_id)})
    assert name_of(stranger) in client.get(INDEX).content.decode()
    with tenant_scope(stranger.tenant_id):
        guest.delete()
    assert client.post(reverse("admin:workspaces_workspace_add"), {"name": "Lost"}).status_code == 302
    assert client.get("/api/v1/documents/").status_code == 401
    page = client.get(INDEX, follow=True).content.decode()
    assert "Choose another one" in page and name_of(owner) in page and name_of(stranger) not in page
    client.post(SWITCH, {"tenant": str(owner.tenant_id)})
    assert client.get(INDEX).context["site_subheader"] == name_of(owner)
    with tenant_scope(owner.tenant_id):
        assert not Workspace.objects.exists()


def test_an_operator_s_entry_is_recorded_in_the_entered_organisation(owner: Person, operator: User):
    client = browser(operator)
    assert "Users" in client.get(INDEX).content.decode()
    client.post(SWITCH, {"tenant": str(owner.tenant_id)})
    assert client.get(INDEX).context["site_subheader"] == name_of(owner)
    with tenant_scope(owner.tenant_id):
        event = AuditLog.objects.get(action="operator.entered")
    assert event.user_id == operator.pk
    assert event.payload_json["actor"]["kind"] == "operator"


def test_an_operator_who_signs_in_is_recorded_where_they_land(owner: Person, operator: User):
    client = Client()
    client.post(LOGIN, {"username": operator.email, "password": "correct horse battery staple"})
    landed = client.session["tenant_id"]
    with tenant_scope(Tenant(pk=landed).pk):
        assert AuditLog.objects.filter(action="operator.entered", user_id=operator.pk).count() == 1


def test_the_overview_says_what_to_do_next(owner: Person, viewer: Person):
    assert "Start with a workspace" in owner.client.get(INDEX).content.decode()
    assert "Editors of your organisation" in viewer.client.get(INDEX).content.decode()


def test_a_search_that_finds_nothing_says_what_to_try(viewer: Person):
    address = reverse("admin:try_search")
    assert viewer.client.get(address).status_code == 200
    page = viewer.client.get(address, {"query": "zebras", "mode": "hybrid"}).content.decode()
    assert "Nothing found. Try other words" in page
    assert "This field is required" in viewer.client.get(address, {"query": ""}).content.decode()
