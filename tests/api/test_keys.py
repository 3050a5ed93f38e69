"""What a key opens, and when it opens nothing any more."""

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
from tenants.services import create_api_key, revoke_api_key, set_role
from tests.admin.rows import make_rows
from tests.api.conftest import Caller, key_of
from tests.conftest import Person, make_member
from tests.knowledge.libraries import BEES, RIVERS, make_library


def refused(caller: Caller) -> bool:
    answer = caller.get("workspaces/")
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 401 and answer.json()["code"] == "invalid_api_key")


def test_a_key_has_256_bits_and_only_its_hash_is_kept(owner, caller):
    secret = caller.made.secret
    assert re.fullmatch(r"oyl_[0-9a-f]{12}_[\w-]{43}", secret)
    with tenant_scope(owner.tenant_id):
        row = ApiKey.objects.values().get(pk=caller.made.api_key.pk)
    assert secret not in str(row) and secret.startswith(row["prefix"])
    assert not refused(caller)
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=caller.made.api_key.pk).last_used_at


def test_a_revoked_key_opens_nothing_at_once(owner, caller):
    assert not refused(caller)
    revoke_api_key(actor=owner.actor, api_key=caller.made.api_key)
    assert refused(caller)


def test_an_expired_key_opens_nothing(owner, caller):
    with tenant_scope(owner.tenant_id):
        ApiKey.objects.filter(pk=caller.made.api_key.pk).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
    assert refused(caller)
    with pytest.raises(InvalidError):
        key_of(owner, expires_at=timezone.now())


def test_a_key_ends_with_its_user_their_membership_and_their_tenant(owner):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    caller = key_of(admin)
    User.objects.filter(pk=admin.user.pk).update(is_active=False)
    assert refused(caller)
    User.objects.filter(pk=admin.user.pk).update(is_active=True)
    assert not refused(caller)
    with tenant_scope(owner.tenant_id):
        mine = Membership.objects.get(user=admin.user)
        Membership.objects.filter(pk=mine.pk).delete()
    assert refused(caller)
    other = key_of(owner)
    with tenant_scope(owner.tenant_id):
        Tenant.objects.filter(pk=owner.tenant_id).update(deleted_at=timezone.now())
    assert refused(other)


def test_a_key_has_its_users_role_of_today(owner):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    caller = key_of(admin)
    assert caller.post("workspaces/", {"name": "One"}).status_code == 201
    with tenant_scope(owner.tenant_id):
        mine = Membership.objects.get(user=admin.user)
    set_role(actor=owner.actor, membership=mine, role=Role.VIEWER)
    answer = caller.post("workspaces/", {"name": "Two"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_scopes_narrow_a_key_and_writing_includes_reading(owner):
    reader, writer = key_of(owner, ["workspaces:read"]), key_of(owner, ["workspaces:write"])
    assert [reader.get("workspaces/").status_code, writer.get("workspaces/").status_code] == [200, 200]
    answer = reader.post("workspaces/", {"name": "One"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "workspaces:write" in answer.json()["detail"]
    assert writer.post("workspaces/", {"name": "One"}).status_code == 201
    assert writer.get("assistants/").status_code == 403


def test_scopes_are_known_ones_and_a_key_hands_on_no_more_than_it_has(owner):
    for scopes in ([], ["everything"]):
        with pytest.raises(InvalidError, match="knowledge:read"):
            create_api_key(actor=owner.actor, name="x", scopes=scopes)
    caller = key_of(owner, ["organisation:write"])
    assert caller.post("api-keys/", {"name": "x", "scopes": key_scopes()}).json()["code"] == "forbidden"
    made = caller.post("api-keys/", {"name": "x", "scopes": ["organisation:write"]})
    assert made.status_code == 201 and made.json()["key"].startswith(made.json()["prefix"])


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_a_key_is_bound_to_what_is_there(owner, stranger, kind):
    theirs = make_rows(stranger)[apps.get_model(bound_kinds()[kind])].pk
    given = {"name": "x", "scopes": key_scopes(), "bound_kind": kind}
    for pk in (theirs, uuid4()):
        refused = key_of(owner).post("api-keys/", {**given, "bound_id": str(pk)})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert str(pk) in refused.json()["detail"]


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_a_bound_key_sees_and_makes_only_what_belongs_to_its_object(owner, tmp_path, kind):
    library = make_library(owner, tmp_path)
    free = key_of(owner)
    mine = free.post("workspaces/", {"name": f"Mine {uuid4()}"}).json()["id"]
    reference = free.post("references/", {"workspace": mine, "name": "Mine"}).json()["id"]
    assistant = free.post("assistants/", {"workspace": mine, "name": "Mine"}).json()["id"]
    free.post("knowledge-bases/", {"assistant": assistant, "name": "Mine", "references": [reference]})
    ids = {"workspace": mine, "reference": reference, "assistant": assistant}
    bound = key_of(owner, bound=(kind, ids[kind]))
    library.add("bees.md", BEES)
    assert bound.get("documents/").json()["results"] == []
    seen = {one["id"] for one in bound.get("references/").json()["results"]}
    assert reference in seen and str(library.reference.pk) not in seen
    assert bound.post("search/", {"query": "honey bees"}).json()["results"] == []
    assert free.post("search/", {"query": "honey bees"}).json()["results"]
    elsewhere = bound.post("references/", {"workspace": str(library.reference.workspace_id), "name": "x"})
    assert elsewhere.status_code == 403
    assert bound.get(f"references/{library.reference.pk}/").status_code == 404
    assert free.get("references/?name=x").json()["results"] == []
    (file := tmp_path / "rivers.md").write_text(RIVERS)
    with file.open("rb") as part:
        assert bound.upload(reference=library.reference.pk, files=part).status_code == 403
    with file.open("rb") as part:
        assert bound.upload(reference=reference, files=part).status_code == 202


@pytest.mark.parametrize("kind", list(bound_kinds()))
def test_a_bound_key_does_not_reach_beyond_its_object_by_what_it_writes(owner, tmp_path, kind):
    library, free = make_library(owner, tmp_path), key_of(owner)
    mine = free.post("workspaces/", {"name": f"Mine {uuid4()}"}).json()["id"]
    reference = free.post("references/", {"workspace": mine, "name": "Mine"}).json()["id"]
    assistant = free.post("assistants/", {"workspace": mine, "name": "Mine"}).json()["id"]
    base = free.post(
        "knowledge-bases/", {"assistant": assistant, "name": "Mine", "references": [reference]}
    ).json()["id"]
    bound = key_of(
        owner,
        bound=(kind, {"workspace": mine, "reference": reference, "assistant": assistant}[kind]),
    )
    both = {"references": [reference, str(library.reference.pk)]}
    assert bound("patch", f"knowledge-bases/{base}/", both).status_code == 403
    assert free.get(f"knowledge-bases/{base}/").json()["references"] == [reference]
    invited = bound.post("invitations/", {"email": "friend@example.com", "role": "owner"})
    assert (invited.status_code, invited.json()["code"]) == (403, "key_bound")
    for path in ("api-keys/", "members/", "audit-logs/"):
        assert bound.get(path).json()["code"] == "key_bound"


def test_a_wrong_key_is_told_so_and_a_session_beside_it_does_not_count(owner: Person):
    client: Client = owner.client
    answer = client.get("/api/v1/workspaces/", headers={"Authorization": "Bearer oyl_wrong"})
    assert answer.status_code == 401 and answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "invalid_api_key"
    assert client.get("/api/v1/workspaces/").status_code == 200
    assert Client().get("/api/v1/workspaces/").json()["code"] == "not_authenticated"


def test_keys_open_the_api_alone(caller):
    answer = Client(headers={"Authorization": f"Bearer {caller.made.secret}"}).get("/admin/")
    assert answer.status_code == 302


def test_an_admin_cannot_make_a_key_for_more_than_they_may(colleague):
    with pytest.raises(ForbiddenError):
        key_of(colleague)


def test_a_made_key_is_shown_once_even_when_the_request_is_repeated(caller):
    body, headers = {"name": "x", "scopes": ["audit:read"]}, {"Idempotency-Key": "one"}
    first, second = (caller.post("api-keys/", body, **headers) for _ in range(2))
    assert first.json()["key"] and second.json()["key"] is None
    assert first.json()["id"] == second.json()["id"]
