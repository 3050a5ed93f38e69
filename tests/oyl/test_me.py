"""`me/`: who a key or session is, and what is left of its limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.permissions import Role
from core.quota_kinds import QuotaKind
from tenants.models import Tenant
from tests.conftest import Person, make_member
from tests.knowledge.libraries import make_library
from tests.support.api_client import Caller, make_caller


def me(caller: Caller) -> dict[str, Any]:
    answer = caller.get("me/")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_key_is_told_what_it_may(owner: Person):
    member = make_member(owner.tenant_id, Role.ADMIN)
    ends = timezone.now() + timedelta(days=1)
    caller = make_caller(member, scopes=["knowledge:read"], expires_at=ends)
    found, key = me(caller), caller.key.api_key
    with tenant_scope(owner.tenant_id):
        name = Tenant.objects.get().name
    assert (found["kind"], found["role"], found["user"]) == ("api_key", "admin", str(member.user.pk))
    assert found["organisation"] == {"id": str(owner.tenant_id), "name": name}
    shown = {field: found["key"][field] for field in ("id", "prefix", "scopes", "bound_kind", "bound_id")}
    assert shown == {
        "id": str(key.pk),
        "prefix": key.prefix,
        "scopes": ["knowledge:read"],
        "bound_kind": "",
        "bound_id": None,
    }
    assert found["key"]["expires_at"] is not None and caller.key.secret not in str(found)


def test_session_has_no_key(owner: Person):
    found = owner.client.get("/api/v1/me/").json()
    assert (found["kind"], found["key"], found["role"]) == ("user", None, "owner")


def test_limits_are_those_that_count(owner: Person, caller: Caller, settings: Any):
    settings.OYL_KEY_REQUESTS = 7
    first, second = (me(caller)["rate_limits"] for _ in range(2))
    assert [(one["of"], one["limit"]) for one in first] == [
        ("key", 7),
        ("tenant", settings.OYL_TENANT_REQUESTS),
    ]
    assert first[0]["remaining"] - second[0]["remaining"] == 1
    with tenant_scope(owner.tenant_id):
        prefix = caller.key.api_key.prefix
        QuotaLimit.objects.create(kind=QuotaKind.SEARCH, credential=prefix, amount=10)
    caller.post("search/", {"query": "bees"})
    quotas = {(one["of"], one["kind"]): (one["used"], one["limit"]) for one in me(caller)["quotas"]}
    assert quotas["API key", "search_units"] == (1, 10)
    assert quotas["organisation", "search_units"] == (1, settings.OYL_QUOTAS["search_units"])


def test_bound_key_is_told_nothing_of_the_organisations_use(owner: Person, tmp_path: Any):
    reference = make_library(owner, tmp_path).reference
    found = me(make_caller(owner, bound=("reference", reference.pk)))
    assert (found["key"]["bound_kind"], found["key"]["bound_id"]) == ("reference", str(reference.pk))
    assert found["quotas"] == []
