"""Members who are suspended, and what they made."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core.errors import ConflictError, ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.access import access_by_key, hash_secret, pending_invitation
from tenants.models import Membership
from tenants.services.api_keys import create_api_key
from tenants.services.invitations import invite
from tenants.services.members import resume_member, set_role, suspend_member
from tests.conftest import Person, browser, make_member
from tests.tenants.members import membership_of

INDEX = reverse("admin:index")


def post(client: Client, action: str, member: Person) -> int:
    address = reverse(f"admin:tenants_membership_{action}", args=[membership_of(member).pk])
    return client.post(address, {"_form_submitted": "True"}).status_code


def test_sessions_keys_and_invitations_open_nothing_until_the_member_is_let_in_again(owner: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    client = admin.client
    key = create_api_key(actor=admin.actor, name="K", scopes=["knowledge:read"]).secret
    link = invite(actor=admin.actor, email="invited@example.org", role=Role.VIEWER).link
    token = hash_secret(str(link).rstrip("/").rpartition("/")[2])
    assert client.get(INDEX).status_code == 200 and access_by_key(key) and pending_invitation(token)
    assert post(owner.client, "suspend", admin) == 302
    assert client.get(INDEX).status_code == 302
    assert access_by_key(key) is None and pending_invitation(token) is None
    assert post(owner.client, "resume", admin) == 302
    assert client.get(INDEX).status_code == 200 and access_by_key(key) and pending_invitation(token)


def test_a_suspended_member_cannot_sign_in(owner: Person, colleague: Person):
    suspend_member(actor=owner.actor, membership=membership_of(colleague))
    form = {"username": colleague.user.email, "password": colleague.password}
    page = Client().post(reverse("admin:login"), form)
    assert page.status_code == 200 and "does not belong to an organisation" in page.content.decode()


def test_another_organisation_stays_open(owner: Person, stranger: Person):
    with tenant_scope(stranger.tenant_id):
        Membership.objects.create(user=owner.user, role=Role.VIEWER)
        membership = Membership.objects.get(user=owner.user)
    suspend_member(actor=stranger.actor, membership=membership)
    assert owner.client.get(INDEX).status_code == 200


def test_the_last_owner_and_oneself_cannot_be_suspended(owner: Person):
    second = make_member(owner.tenant_id, Role.OWNER)
    with pytest.raises(ForbiddenError):
        suspend_member(actor=owner.actor, membership=membership_of(owner))
    suspend_member(actor=owner.actor, membership=membership_of(second))
    with pytest.raises(ConflictError):
        set_role(actor=owner.actor, membership=membership_of(owner), role=Role.ADMIN)
    third = make_member(owner.tenant_id, Role.OWNER)
    suspend_member(actor=owner.actor, membership=membership_of(third))
    resume_member(actor=owner.actor, membership=membership_of(second))


def test_who_may_suspend_whom(owner: Person, colleague: Person, stranger: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    assert post(admin.client, "suspend", owner) == 403
    assert post(colleague.client, "suspend", admin) == 403
    assert post(stranger.client, "suspend", colleague) == 403
    assert post(admin.client, "suspend", colleague) == 302
    assert membership_of(colleague).suspended_at


def test_the_list_shows_who_is_suspended_and_the_last_sign_in(owner: Person, colleague: Person):
    form = {"username": colleague.user.email, "password": colleague.password}
    Client().post(reverse("admin:login"), form)
    suspend_member(actor=owner.actor, membership=membership_of(colleague))
    page = owner.client.get(reverse("admin:tenants_membership_changelist")).content.decode()
    assert "Suspended" in page and "Last sign-in" in page
    log = owner.client.get(reverse("admin:audit_auditlog_changelist")).content.decode()
    assert "suspended" in log and browser(owner.user).get(INDEX).status_code == 200
