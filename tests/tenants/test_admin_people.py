"""Members and API keys."""

from __future__ import annotations

import hashlib
from typing import cast
from uuid import uuid4

import pytest
from django.contrib.auth import authenticate
from django.urls import reverse

from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.permissions import Role
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.services import members
from tests.conftest import Person, browser, make_member
from tests.support.admin_pages import url

ADD = reverse("admin:tenants_membership_add")


def change_url(membership: Membership) -> str:
    return reverse("admin:tenants_membership_change", args=[membership.pk])


def membership_of(person: Person) -> Membership:
    with tenant_scope(person.tenant_id):
        membership: Membership = Membership.objects.get(user=person.user)
        return membership


def test_invited_new_user_gets_a_password_shown_once(owner: Person):
    email = f"new-{uuid4().hex[:8]}@example.org"
    page = owner.client.post(ADD, {"email": email, "role": "editor"})
    password = page.context["secret"]
    assert password in page.content.decode()
    user = authenticate(username=email, password=password)
    assert isinstance(user, User)
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.get(user=user)
        assert membership.role == Role.EDITOR
        event = AuditLog.objects.get(object_id=membership.pk)
    assert event.action == "membership.created" and password not in str(event.payload_json)


def test_invited_existing_user_keeps_their_password(owner: Person, stranger: Person):
    page = owner.client.post(ADD, {"email": stranger.user.email, "role": "viewer"})
    assert page.status_code == 302
    assert authenticate(username=stranger.user.email, password=stranger.password)
    repeated = owner.client.post(ADD, {"email": stranger.user.email, "role": "viewer"})
    assert "They are a member already" in repeated.content.decode()


def test_admin_cannot_appoint_or_remove_owners(owner: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    page = admin.client.post(ADD, {"email": "x@example.org", "role": "owner"})
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
        members.invite_member(actor=admin.actor, email="x@example.org", role=cast(Role, "owner"))
    assert membership_of(owner).role == Role.OWNER


def test_duplicate_tenant_name_is_refused(owner: Person, stranger: Person):
    address = reverse("admin:tenants_tenant_change", args=[owner.tenant_id])
    taken = all_tenants()[stranger.tenant_id]
    response = owner.client.post(address, {"name": taken, "metadata": ""}, follow=True)
    assert f"There is a tenant named &#x27;{taken}&#x27; already" in response.content.decode()
    assert all_tenants()[owner.tenant_id] != taken


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
        reverse("admin:tenants_apikey_add"), {"name": "Importer", "scopes": ["knowledge:write"]}
    )
    secret = page.context["secret"]
    with tenant_scope(owner.tenant_id):
        key = ApiKey.objects.get(name="Importer")
    assert key.key_hash == hashlib.sha256(secret.encode()).hexdigest()
    text = owner.client.get(reverse("admin:tenants_apikey_change", args=[key.pk])).content.decode()
    assert secret not in text and key.key_hash not in text and key.prefix in text
    changelist = reverse("admin:tenants_apikey_changelist")
    owner.client.post(changelist, {"action": "revoke", "_selected_action": [str(key.pk)]})
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=key.pk).revoked_at


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({"bound_kind": "workspace"}, "or neither"),
        ({"bound_id": str(uuid4())}, "or neither"),
        ({"bound_kind": "workspace", "bound_id": str(uuid4())}, "There is no workspace with the id"),
    ],
)
def test_key_cannot_be_bound_to_an_absent_object(owner: Person, bound: dict[str, str], message: str):
    form = {"name": "Bound", "scopes": ["knowledge:read"], **bound}
    page = owner.client.post(reverse("admin:tenants_apikey_add"), form, follow=True)
    assert message in page.content.decode()
    with tenant_scope(owner.tenant_id):
        assert not ApiKey.objects.filter(name="Bound").exists()


def test_operator_creates_user_and_resets_password(operator: User, owner: Person):
    client, email = browser(operator), f"fresh-{uuid4().hex[:8]}@example.org"
    page = client.post(reverse("admin:tenants_user_add"), {"email": email, "name": "Fresh"})
    first = page.context["secret"]
    user = authenticate(username=email, password=first)
    assert user
    changelist = reverse("admin:tenants_user_changelist")
    page = client.post(changelist, {"action": "reset_password", "_selected_action": [str(user.pk)]})
    assert authenticate(username=email, password=page.context["secret"])
    assert authenticate(username=email, password=first) is None


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
