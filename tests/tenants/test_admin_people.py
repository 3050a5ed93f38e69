"""Members and API keys."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import ApiKey, Invitation, Membership, Tenant, User
from tenants.services import members
from tenants.services.invitations import invite
from tests.conftest import Person, browser, make_member
from tests.support.admin_pages import url
from tests.support.admin_rows import make_rows
from tests.support.passwords import authenticate
from workspaces.models import Workspace


def change_url(membership: Membership) -> str:
    return reverse("admin:tenants_membership_change", args=[membership.pk])


def membership_of(person: Person) -> Membership:
    with tenant_scope(person.tenant_id):
        membership: Membership = Membership.objects.get(user=person.user)
        return membership


def test_admin_cannot_appoint_or_remove_owners(owner: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    page = admin.client.post(url(Invitation, "add"), {"email": "x@example.org", "role": "owner"})
    assert "role" in page.context["adminform"].form.errors
    membership = membership_of(owner)
    assert admin.client.post(change_url(membership), {"role": "viewer"}).status_code == 403
    deletion = reverse("admin:tenants_membership_delete", args=[membership.pk])
    assert admin.client.post(deletion, {"post": "yes"}).status_code == 403


def test_services_check_the_stored_role(owner: Person):
    admin, membership = make_member(owner.tenant_id, Role.ADMIN), membership_of(owner)
    membership.role = Role.VIEWER
    with pytest.raises(ForbiddenError):
        members.remove_member(actor=admin.actor, membership=membership)
    with pytest.raises(ForbiddenError):
        invite(actor=admin.actor, email="x@example.org", role=Role.OWNER)
    assert membership_of(owner).role == Role.OWNER


def test_last_owner_cannot_be_removed(owner: Person):
    membership = membership_of(owner)
    response = owner.client.post(change_url(membership), {"role": "viewer"}, follow=True)
    assert "An organisation needs an owner" in response.content.decode()
    response = owner.client.post(
        reverse("admin:tenants_membership_delete", args=[membership.pk]), {"post": "yes"}, follow=True
    )
    assert "An organisation needs an owner" in response.content.decode()
    assert membership_of(owner).role == Role.OWNER


def test_removed_member_loses_access_at_once(owner: Person, colleague: Person):
    client = colleague.client
    assert client.get(reverse("admin:index")).status_code == 200
    deletion = reverse("admin:tenants_membership_delete", args=[membership_of(colleague).pk])
    owner.client.post(deletion, {"post": "yes"})
    assert client.get(reverse("admin:index")).status_code == 302


def test_api_key_is_shown_once_and_stored_as_hash(owner: Person):
    page = owner.client.post(
        reverse("admin:tenants_apikey_add"),
        {"name": "Importer", "scopes": ["knowledge:write"]},
        follow=True,
    )
    secret = page.context["secret"].text
    with tenant_scope(owner.tenant_id):
        key = ApiKey.objects.get(name="Importer")
    assert key.key_hash == hashlib.sha256(secret.encode()).hexdigest()
    text = owner.client.get(reverse("admin:tenants_apikey_change", args=[key.pk])).content.decode()
    assert secret not in text and key.key_hash not in text and key.prefix in text
    changelist = reverse("admin:tenants_apikey_changelist")
    owner.client.post(changelist, {"action": "revoke", "_selected_action": [str(key.pk)]})
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=key.pk).revoked_at


def test_key_is_bound_by_a_choice(owner: Person, stranger: Person):
    address, form = reverse("admin:tenants_apikey_add"), {"name": "Bound", "scopes": ["knowledge:read"]}
    own, foreign = (make_rows(person)[Workspace] for person in (owner, stranger))
    page = owner.client.get(address)
    with tenant_scope(owner.tenant_id):
        choices = page.context["adminform"].form.fields["bound_to"].choices
        assert f"workspace:{own.pk}" in dict(dict(choices)["Workspaces"])
    for pk in (foreign.pk, uuid4()):
        page = owner.client.post(address, {**form, "bound_to": f"workspace:{pk}"})
        assert "is not one of the available choices" in page.content.decode()
    owner.client.post(address, {**form, "bound_to": f"workspace:{own.pk}"})
    with tenant_scope(owner.tenant_id):
        key = ApiKey.objects.get(name="Bound")
    assert (key.bound_kind, key.bound_id) == ("workspace", own.pk)
    shown = owner.client.get(reverse("admin:tenants_apikey_change", args=[key.pk])).content.decode()
    assert f"Workspace: {own.name}" in shown


def test_key_is_revoked_on_its_page_and_opens_nothing_by_default(owner: Person):
    initial = owner.client.get(reverse("admin:tenants_apikey_add")).context["adminform"].form
    assert not initial["scopes"].value() and initial["expires_at"].value()
    owner.client.post(reverse("admin:tenants_apikey_add"), {"name": "K", "scopes": ["knowledge:read"]})
    with tenant_scope(owner.tenant_id):
        key = ApiKey.objects.get(name="K")
    address = reverse("admin:tenants_apikey_revoke_one", args=[key.pk])
    owner.client.get(address)
    with tenant_scope(owner.tenant_id):
        assert not ApiKey.objects.get(pk=key.pk).revoked_at
    page = owner.client.post(address, {"_form_submitted": "True"}, follow=True)
    assert "opens nothing any more" in page.content.decode()
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=key.pk).revoked_at


def choose_password(link: str, password: str) -> str:
    """Use an operator's link as a browser would; return the last page."""
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    page = client.post(form, {"new_password1": password, "new_password2": password}, follow=True)
    return str(page.content.decode())


def test_operator_creates_user_who_chooses_the_password(operator: User):
    client, email = browser(operator), f"fresh-{uuid4().hex[:8]}@example.org"
    page = client.post(url(User, "add"), {"email": email, "name": "Fresh"}, follow=True)
    link = page.context["secret"].text
    assert "shown this once" in page.content.decode() and link.startswith(settings.OYL_URL)
    assert "Your password is set" in choose_password(link, "the first of three words")
    user = authenticate(username=email, password="the first of three words")
    assert isinstance(user, User) and user.email_verified_at is None
    assert "does not work any more" in Client().get(link, follow=True).content.decode()


def test_operator_ends_a_password_and_all_sessions_by_a_new_link(operator: User, owner: Person):
    client, session = browser(operator), owner.client
    assert session.get(reverse("admin:index")).status_code == 200
    form = {"action": "reset_password", "_selected_action": [str(owner.user.pk)]}
    earlier = client.post(url(User, "changelist"), form, follow=True).context["secret"].text
    link = client.post(url(User, "changelist"), form, follow=True).context["secret"].text
    assert session.get(reverse("admin:index")).status_code == 302
    assert authenticate(username=owner.user.email, password=owner.password) is None
    assert "does not work any more" in Client().get(earlier, follow=True).content.decode()
    assert "This password is too common" in choose_password(link, "password")
    assert "Your password is set" in choose_password(link, "quite another phrase")
    assert authenticate(username=owner.user.email, password="quite another phrase")


def test_tenant_metadata_is_never_shown(owner: Person):
    page = url(Tenant, "change", owner.tenant_id)
    name = owner.client.get(page).context["adminform"].form.initial["name"]
    owner.client.post(page, {"name": name, "metadata": '{"contract": "sk-contract"}'})
    owner.client.post(page, {"name": f"{name} Ltd", "metadata": ""})
    with tenant_scope(owner.tenant_id):
        tenant = Tenant.objects.get(pk=owner.tenant_id)
        assert tenant.name == f"{name} Ltd"
        assert tenant.metadata_encrypted.decrypt() == {"contract": "sk-contract"}
    for address in (page, url(Tenant, "history", owner.tenant_id)):
        assert "sk-contract" not in owner.client.get(address).content.decode()
