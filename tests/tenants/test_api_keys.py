"""API keys: scopes, bindings, and when they are refused."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from core.errors import ForbiddenError, InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role, bound_kinds, key_scopes
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.services.api_keys import create_api_key, revoke_api_key
from tenants.services.members import set_role
from tests.conftest import Person, make_member
from tests.knowledge.libraries import BEES, RIVERS, make_library
from tests.support.admin_rows import make_rows
from tests.support.api_client import Caller, make_caller


def is_refused(caller: Caller) -> bool:
    response = caller.get("workspaces/")
    assert response.status_code in (200, 401)
    return bool(response.status_code == 401 and response.json()["code"] == "invalid_api_key")


def test_key_has_256_bits_and_is_stored_as_hash(owner, caller):
    secret = caller.key.secret
    assert re.fullmatch(r"oyl_[0-9a-f]{12}_[\w-]{43}", secret)
    with tenant_scope(owner.tenant_id):
        row = ApiKey.objects.values().get(pk=caller.key.api_key.pk)
    assert secret not in str(row) and secret.startswith(row["prefix"])
    assert not is_refused(caller)
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=caller.key.api_key.pk).last_used_at


def test_revoked_key_is_refused_at_once(owner, caller):
    assert not is_refused(caller)
    revoke_api_key(actor=owner.actor, api_key=caller.key.api_key)
    assert is_refused(caller)


def test_expired_key_is_refused(owner, caller):
    with tenant_scope(owner.tenant_id):
        ApiKey.objects.filter(pk=caller.key.api_key.pk).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
    assert is_refused(caller)
    with pytest.raises(InvalidError):
        make_caller(owner, expires_at=timezone.now())


def test_key_is_refused_without_user_membership_or_tenant(owner):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    caller = make_caller(admin)
    User.objects.filter(pk=admin.user.pk).update(is_active=False)
    assert is_refused(caller)
    User.objects.filter(pk=admin.user.pk).update(is_active=True)
    assert not is_refused(caller)
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.get(user=admin.user)
        Membership.objects.filter(pk=membership.pk).delete()
    assert is_refused(caller)
    other = make_caller(owner)
    with tenant_scope(owner.tenant_id):
        Tenant.objects.filter(pk=owner.tenant_id).update(deleted_at=timezone.now())
    assert is_refused(other)


def test_key_has_the_current_role_of_its_user(owner):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    caller = make_caller(admin)
    assert caller.post("workspaces/", {"name": "One"}).status_code == 201
    with tenant_scope(owner.tenant_id):
        membership = Membership.objects.get(user=admin.user)
    set_role(actor=owner.actor, membership=membership, role=Role.VIEWER)
    response = caller.post("workspaces/", {"name": "Two"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_scopes_limit_a_key_and_write_includes_read(owner):
    reader, writer = make_caller(owner, ["workspaces:read"]), make_caller(owner, ["workspaces:write"])
    assert [reader.get("workspaces/").status_code, writer.get("workspaces/").status_code] == [200, 200]
    response = reader.post("workspaces/", {"name": "One"})
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
    assert "workspaces:write" in response.json()["detail"]
    assert writer.post("workspaces/", {"name": "One"}).status_code == 201
    assert writer.get("assistants/").status_code == 403


def test_key_cannot_grant_unknown_or_wider_scopes(owner):
    for scopes in ([], ["everything"]):
        with pytest.raises(InvalidError, match="knowledge:read"):
            create_api_key(actor=owner.actor, name="x", scopes=scopes)
    caller = make_caller(owner, ["organisation:write"])
    assert caller.post("api-keys/", {"name": "x", "scopes": key_scopes()}).json()["code"] == "forbidden"
    created = caller.post("api-keys/", {"name": "x", "scopes": ["organisation:write"]})
    assert created.status_code == 201 and created.json()["key"].startswith(created.json()["prefix"])


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_key_cannot_be_bound_to_absent_or_foreign_object(owner, stranger, kind):
    foreign = make_rows(stranger)[apps.get_model(bound_kinds()[kind])].pk
    data = {"name": "x", "scopes": key_scopes(), "bound_kind": kind}
    for pk in (foreign, uuid4()):
        response = make_caller(owner).post("api-keys/", {**data, "bound_id": str(pk)})
        assert (response.status_code, response.json()["code"]) == (422, "invalid")
        assert str(pk) in response.json()["detail"]


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_bound_key_reads_and_creates_only_below_its_object(owner, tmp_path, kind):
    library = make_library(owner, tmp_path)
    unbound = make_caller(owner)
    workspace = unbound.post("workspaces/", {"name": f"Mine {uuid4()}"}).json()["id"]
    reference = unbound.post("references/", {"workspace": workspace, "name": "Mine"}).json()["id"]
    assistant = unbound.post("assistants/", {"workspace": workspace, "name": "Mine"}).json()["id"]
    unbound.post("knowledge-bases/", {"assistant": assistant, "name": "Mine", "references": [reference]})
    ids = {"workspace": workspace, "reference": reference, "assistant": assistant}
    bound = make_caller(owner, bound=(kind, ids[kind]))
    library.add("bees.md", BEES)
    assert bound.get("documents/").json()["results"] == []
    visible = {row["id"] for row in bound.get("references/").json()["results"]}
    assert reference in visible and str(library.reference.pk) not in visible
    assert bound.post("search/", {"query": "honey bees"}).json()["results"] == []
    assert unbound.post("search/", {"query": "honey bees"}).json()["results"]
    elsewhere = bound.post("references/", {"workspace": str(library.reference.workspace_id), "name": "x"})
    assert elsewhere.status_code == 422
    assert bound.get(f"references/{library.reference.pk}/").status_code == 404
    assert unbound.get("references/?name=x").json()["results"] == []
    (file := tmp_path / "rivers.md").write_text(RIVERS)
    with file.open("rb") as part:
        assert bound.upload(reference=library.reference.pk, files=part).status_code == 422
    with file.open("rb") as part:
        assert bound.upload(reference=reference, files=part).status_code == 202


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_bound_key_cannot_link_or_invite_beyond_its_object(owner, tmp_path, kind):
    library, unbound = make_library(owner, tmp_path), make_caller(owner)
    workspace = unbound.post("workspaces/", {"name": f"Mine {uuid4()}"}).json()["id"]
    reference = unbound.post("references/", {"workspace": workspace, "name": "Mine"}).json()["id"]
    assistant = unbound.post("assistants/", {"workspace": workspace, "name": "Mine"}).json()["id"]
    base = unbound.post(
        "knowledge-bases/", {"assistant": assistant, "name": "Mine", "references": [reference]}
    ).json()["id"]
    bound = make_caller(
        owner,
        bound=(kind, {"workspace": workspace, "reference": reference, "assistant": assistant}[kind]),
    )
    both = {"references": [reference, str(library.reference.pk)]}
    refused = bound("patch", f"knowledge-bases/{base}/", both)
    assert refused.status_code == (403 if kind == "reference" else 422)
    assert unbound.get(f"knowledge-bases/{base}/").json()["references"] == [reference]
    invited = bound.post("invitations/", {"email": "friend@example.com", "role": "owner"})
    assert (invited.status_code, invited.json()["code"]) == (403, "key_bound")
    for path in ("api-keys/", "members/", "audit-logs/"):
        assert bound.get(path).json()["code"] == "key_bound"


def test_wrong_key_is_refused_despite_a_session(owner: Person):
    client: Client = owner.client
    response = client.get("/api/v1/workspaces/", headers={"Authorization": "Bearer oyl_wrong"})
    assert response.status_code == 401 and response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["code"] == "invalid_api_key"
    assert client.get("/api/v1/workspaces/").status_code == 200
    assert Client().get("/api/v1/workspaces/").json()["code"] == "not_authenticated"


def test_keys_do_not_open_the_admin(caller):
    response = Client(headers={"Authorization": f"Bearer {caller.key.secret}"}).get("/admin/")
    assert response.status_code == 302


def test_editor_cannot_create_keys(colleague):
    with pytest.raises(ForbiddenError):
        make_caller(colleague)


def test_repeated_request_does_not_show_the_key_again(caller):
    body, headers = {"name": "x", "scopes": ["audit:read"]}, {"Idempotency-Key": "one"}
    first, second = (caller.post("api-keys/", body, **headers) for _ in range(2))
    assert first.json()["key"] and second.json()["key"] is None
    assert first.json()["id"] == second.json()["id"]
