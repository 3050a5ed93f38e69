"""One call of every service: what it needs, the call, and how one sees that its change is there.

A recipe has its service's name. One call leaves one event, except where `events` says otherwise.
"""

from __future__ import annotations

import json
from datetime import date

from django.conf import settings
from django.contrib.auth import authenticate
from django.test import override_settings

from audit import services as audit
from core.isolation.tenant_directory import all_tenants
from core.permissions import Role
from core.usage import Period
from oyl import services
from tenants import services as tenants
from tenants.models import ApiKey, Membership, Tenant, User
from tests.proof.tampering.stage import Call, Stage
from workspaces import services as workspaces
from workspaces.models import IntegrationConfig, Workspace

PERIOD = Period(date(2026, 1, 1), date(2026, 12, 31))
NEW_KEY = "new:" + "bmV3" * 10 + "bmU="


def record(at: Stage) -> Call:
    def call() -> None:
        with at.scope():
            audit.record(actor=at.actor, action="harness.told")

    return Call(make=call)


def record_each(at: Stage) -> Call:
    def call() -> None:
        with at.scope():
            audit.record_each(actor=at.actor, action="harness.told", events=[(at.workspace, None, {})] * 3)

    return Call(make=call, events=3)


def save_audited(at: Stage) -> Call:
    at.workspace.name = at.name
    return Call(
        make=lambda: audit.save_audited(actor=at.actor, instance=at.workspace),
        is_done=at.has(Workspace, name=at.name),
    )


def soft_delete_audited(at: Stage) -> Call:
    """Of several objects each has an event of its own, because each has a history of its own."""
    with at.scope():
        doomed = [Workspace.objects.create(name=f"{at.name} {n}") for n in range(3)]
    return Call(
        make=lambda: audit.soft_delete_audited(actor=at.actor, instances=doomed),
        is_done=at.lacks(Workspace, name__startswith=at.name),
        events=3,
    )


def create_tenant(at: Stage) -> Call:
    return Call(
        make=lambda: tenants.create_tenant(name=at.name, admin_email=f"{at.key}@example.org"),
        is_done=lambda: at.name in all_tenants().values(),
    )


def invite_member(at: Stage) -> Call:
    email = f"{at.key}@example.org"
    return Call(
        make=lambda: tenants.invite_member(actor=at.actor, email=email, role=Role.EDITOR),
        is_done=at.has(Membership, user__email=email),
    )


def set_role(at: Stage) -> Call:
    member = at.member()
    return Call(
        make=lambda: tenants.set_role(actor=at.actor, membership=member, role=Role.ADMIN),
        is_done=at.has(Membership, pk=member.pk, role=Role.ADMIN),
    )


def remove_member(at: Stage) -> Call:
    member = at.member()
    pk = member.pk
    return Call(
        make=lambda: tenants.remove_member(actor=at.actor, membership=member),
        is_done=at.lacks(Membership, pk=pk),
    )


def create_api_key(at: Stage) -> Call:
    return Call(
        make=lambda: tenants.create_api_key(actor=at.actor, name=at.name, scopes=["knowledge:read"]),
        is_done=at.has(ApiKey, name=at.name),
    )


def revoke_api_key(at: Stage) -> Call:
    facts = {"user_id": at.actor.user_id, "name": at.name, "prefix": "oyl_", "key_hash": at.key}
    key = at.add(lambda: ApiKey.objects.create(**facts))
    return Call(
        make=lambda: tenants.revoke_api_key(actor=at.actor, api_key=key),
        is_done=at.has(ApiKey, pk=key.pk, revoked_at__isnull=False),
    )


def update_tenant(at: Stage) -> Call:
    mine = at.add(Tenant.objects.get)
    mine.name = at.name
    return Call(
        make=lambda: tenants.update_tenant(actor=at.actor, tenant=mine), is_done=at.has(Tenant, name=at.name)
    )


def save_user(at: Stage) -> Call:
    email = f"{at.key}@example.org"
    return Call(
        make=lambda: tenants.save_user(actor=at.operator, user=User(email=email)),
        is_done=lambda: User.objects.filter(email=email).exists(),
    )


def reset_password(at: Stage) -> Call:
    user = User.objects.create_user(f"{at.key}@example.org", at.name)
    return Call(
        make=lambda: tenants.reset_password(actor=at.operator, user=User.objects.get(pk=user.pk)),
        is_done=lambda: authenticate(username=user.email, password=at.name) is None,
    )


def enter_as_operator(at: Stage) -> Call:
    return Call(make=lambda: tenants.enter_as_operator(actor=at.operator))


def rotate_keys(at: Stage) -> Call:
    """One event for each batch of a table; here is one secret."""
    facts = {"workspace": at.workspace, "name": at.name, "type_enum": "webhook", "config_encrypted_json": "s"}
    config = at.add(lambda: IntegrationConfig.objects.create(**facts))

    def call() -> None:
        with override_settings(OYL_ENCRYPTION_KEYS=f"{NEW_KEY},{settings.OYL_ENCRYPTION_KEYS}"):
            tenants.rotate_keys(actor=at.actor)

    def is_done() -> bool:
        secret = at.add(lambda: IntegrationConfig.objects.get(pk=config.pk)).config_encrypted_json
        return bool(json.loads(secret.envelope.text)["k"] == "new")

    return Call(make=call, is_done=is_done)


def create_workspace(at: Stage) -> Call:
    return Call(
        make=lambda: workspaces.create_workspace(actor=at.actor, name=at.name),
        is_done=at.has(Workspace, name=at.name),
    )


def get_or_create_workspace(at: Stage) -> Call:
    return Call(
        make=lambda: workspaces.get_or_create_workspace(actor=at.actor, name=at.name),
        is_done=at.has(Workspace, name=at.name),
    )


def usage_of_organisation(at: Stage) -> Call:
    return Call(make=lambda: services.usage_of_organisation(actor=at.actor, period=PERIOD), events=0)


def usage_of_workspaces(at: Stage) -> Call:
    return Call(
        make=lambda: services.usage_of_workspaces(
            actor=at.actor, workspace_ids=[at.workspace.pk], period=PERIOD
        ),
        events=0,
    )
