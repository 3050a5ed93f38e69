"""One call of every service: its preconditions, the call, and a check whether its change was made.

Each function has its service's name, and returns the call. A call records one event unless `events` differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import uuid4

from django.conf import settings
from django.test import RequestFactory, override_settings

from audit import services as audit
from core.encryption.fields import EncryptedJSONField
from core.encryption.rotation import encrypted_fields
from core.isolation.tenant_directory import all_tenants
from core.models import QuotaLimit
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.usage import Period
from oyl import services
from tenants import passwords
from tenants.access import pending_invitation
from tenants.models import ApiKey, Invitation, Membership, Tenant, User
from tenants.services import (
    api_keys,
    invitations,
    members,
    organisations,
    quota_limits,
    sign_ins,
    users,
    visits,
)
from tests.proof.tampering.call_context import Call, CallContext
from tests.support.chat_server import ChatServer
from tests.support.model_server import running
from tests.support.passwords import authenticate
from workspaces import services as workspaces
from workspaces.models import IntegrationConfig, Workspace
from workspaces.services import connection_tests

PERIOD = Period(date(2026, 1, 1), date(2026, 12, 31))
NEW_KEY = "new:" + "bmV3" * 10 + "bmU="


def record(context: CallContext) -> Call:
    def call() -> None:
        with context.scope():
            audit.record(actor=context.actor, action="harness.recorded")

    return Call(make=call)


def record_charged(context: CallContext) -> Call:
    def call() -> None:
        with context.scope():
            audit.charge_with_event(actor=context.actor, amounts={}, action="harness.recorded")
            audit.record_charged(actor=context.actor, action="harness.recorded")

    return Call(make=call)


charge_with_event = record_charged


def record_each(context: CallContext) -> Call:
    def call() -> None:
        with context.scope():
            audit.record_each(
                actor=context.actor, action="harness.recorded", events=[(context.workspace, None, {})] * 3
            )

    return Call(make=call, events=3)


def save_audited(context: CallContext) -> Call:
    context.workspace.name = context.name
    return Call(
        make=lambda: audit.save_audited(actor=context.actor, instance=context.workspace),
        is_done=context.has(Workspace, name=context.name),
    )


def soft_delete_audited(context: CallContext) -> Call:
    """Each object has its own event, because each has its own history."""
    with context.scope():
        workspaces_to_delete = [Workspace.objects.create(name=f"{context.name} {n}") for n in range(3)]
    return Call(
        make=lambda: audit.soft_delete_audited(actor=context.actor, instances=workspaces_to_delete),
        is_done=context.lacks(Workspace, name__startswith=context.name),
        events=3,
    )


def create_tenant(context: CallContext) -> Call:
    return Call(
        make=lambda: organisations.create_tenant(name=context.name, admin_email=f"{context.key}@example.org"),
        is_done=lambda: context.name in all_tenants().values(),
        events=3,  # with the platform's, and the owner's invitation
    )


def invite(context: CallContext) -> Call:
    email = f"{context.key}@example.org"
    return Call(
        make=lambda: invitations.invite(actor=context.actor, email=email, role=Role.EDITOR),
        is_done=context.has(Invitation, email=email),
    )


def revoke_invitation(context: CallContext) -> Call:
    made = _invited(context)
    return Call(
        make=lambda: invitations.revoke_invitation(actor=context.actor, invitation=made.invitation),
        is_done=context.has(Invitation, pk=made.invitation.pk, revoked_at__isnull=False),
    )


def accept_invitation(context: CallContext) -> Call:
    pending = pending_invitation(_invited(context).invitation.token_hash)
    assert pending
    answer = invitations.Answer(new_password=context.name)
    return Call(
        make=lambda: invitations.accept_invitation(
            invitation=pending, answer=answer, request=RequestFactory().post("/")
        ),
        is_done=context.has(Membership, user__email=pending.email),
        events=2,
    )


def _invited(context: CallContext) -> invitations.NewInvitation:
    return invitations.invite(
        actor=replace(context.actor, role=Role.OWNER),
        email=f"{context.key}@example.org",
        role=Role.EDITOR,
    )


def set_role(context: CallContext) -> Call:
    member = context.member()
    return Call(
        make=lambda: members.set_role(actor=context.actor, membership=member, role=Role.ADMIN),
        is_done=context.has(Membership, pk=member.pk, role=Role.ADMIN),
    )


def remove_member(context: CallContext) -> Call:
    member = context.member()
    pk = member.pk
    return Call(
        make=lambda: members.remove_member(actor=context.actor, membership=member),
        is_done=context.lacks(Membership, pk=pk),
    )


def create_api_key(context: CallContext) -> Call:
    return Call(
        make=lambda: api_keys.create_api_key(
            actor=context.actor, name=context.name, scopes=["knowledge:read"]
        ),
        is_done=context.has(ApiKey, name=context.name),
    )


def revoke_keys_bound_to(context: CallContext) -> Call:
    """One event for each key, also of those that refused calls have left."""
    bound = {"bound_kind": "workspace", "bound_id": context.workspace.pk}
    columns = {"user_id": context.actor.user_id, "name": context.name, "prefix": "oyl_", **bound}
    context.add(lambda: [ApiKey.objects.create(key_hash=uuid4().hex, **columns) for _ in range(2)])
    count = context.add(lambda: ApiKey.objects.filter(**bound, revoked_at=None).count())

    def call() -> None:
        with context.scope():
            api_keys.revoke_keys_bound_to(actor=context.actor, instances=[context.workspace])

    return Call(make=call, is_done=context.lacks(ApiKey, name=context.name, revoked_at=None), events=count)


def revoke_api_key(context: CallContext) -> Call:
    facts = {
        "user_id": context.actor.user_id,
        "name": context.name,
        "prefix": "oyl_",
        "key_hash": context.key,
    }
    key = context.add(lambda: ApiKey.objects.create(**facts))
    return Call(
        make=lambda: api_keys.revoke_api_key(actor=context.actor, api_key=key),
        is_done=context.has(ApiKey, pk=key.pk, revoked_at__isnull=False),
    )


def update_tenant(context: CallContext) -> Call:
    mine = context.add(Tenant.objects.get)
    mine.name = context.name
    return Call(
        make=lambda: organisations.update_tenant(actor=context.actor, tenant=mine),
        is_done=context.has(Tenant, name=context.name),
    )


def save_quota_limit(context: CallContext) -> Call:
    limit = _quota_limit(context)
    return Call(
        make=lambda: quota_limits.save_quota_limit(actor=context.actor, limit=limit),
        is_done=context.has(QuotaLimit, pk=limit.pk),
    )


def delete_quota_limits(context: CallContext) -> Call:
    limit = _quota_limit(context)
    context.add(limit.save)
    pk = limit.pk
    return Call(
        make=lambda: quota_limits.delete_quota_limits(actor=context.actor, limits=[limit]),
        is_done=context.lacks(QuotaLimit, pk=pk),
    )


def _quota_limit(context: CallContext) -> QuotaLimit:
    """Of an API key, which need not exist."""
    limit: QuotaLimit = context.add(
        lambda: QuotaLimit(kind=QuotaKind.DOCUMENTS, credential=context.key[:16], amount=1)
    )
    return limit


def quotas_of_organisation(context: CallContext) -> Call:
    return Call(make=lambda: services.quotas_of_organisation(actor=context.actor), events=0)


def save_user(context: CallContext) -> Call:
    email = f"{context.key}@example.org"
    return Call(
        make=lambda: users.save_user(actor=context.operator, user=User(email=email)),
        is_done=lambda: User.objects.filter(email=email).exists(),
    )


def reset_password(context: CallContext) -> Call:
    user = User.objects.create_user(f"{context.key}@example.org", context.name)
    return Call(
        make=lambda: users.reset_password(actor=context.operator, user=User.objects.get(pk=user.pk)),
        is_done=lambda: authenticate(username=user.email, password=context.name) is None,
    )


def _member(context: CallContext) -> User:
    return context.member().user


def record_sign_in(context: CallContext) -> Call:
    user = _member(context)
    return Call(
        make=lambda: sign_ins.record_sign_in(actor=context.operator, user=user, address="127.0.0.1"),
        events=2,
    )


def record_sign_out(context: CallContext) -> Call:
    user = _member(context)
    return Call(make=lambda: sign_ins.record_sign_out(actor=context.operator, user=user), events=2)


def record_confirmation(context: CallContext) -> Call:
    user = _member(context)
    return Call(make=lambda: sign_ins.record_confirmation(actor=context.operator, user=user))


def store_password(context: CallContext) -> Call:
    user = User.objects.create_user(f"{context.key}@example.org", context.name)
    hashed = passwords.hash_password(f"new {context.name}")
    return Call(
        make=lambda: sign_ins.store_password(actor=context.operator, user=user, hashed=hashed),
        is_done=lambda: passwords.matches(user.pk, f"new {context.name}"),
    )


def change_password(context: CallContext) -> Call:
    user = User.objects.create_user(f"{context.key}@example.org", context.name)
    return Call(
        make=lambda: sign_ins.change_password(
            actor=context.operator, user=user, present=context.name, new=f"new {context.name}"
        ),
        is_done=lambda: passwords.matches(user.pk, f"new {context.name}"),
    )


def revoke_keys_of(context: CallContext) -> Call:
    member = context.member(Role.ADMIN)
    maker = replace(context.actor, role=Role.OWNER, user_id=member.user_id)
    key = api_keys.create_api_key(actor=maker, name=context.name, scopes=["audit:read"]).api_key
    return Call(
        make=lambda: sign_ins.revoke_keys_of(actor=context.operator, user=member.user),
        is_done=context.lacks(ApiKey, pk=key.pk, revoked_at=None),
    )


def enter_tenant(context: CallContext) -> Call:
    tenant_id = context.actor.tenant_id
    return Call(
        make=lambda: visits.enter_tenant(actor=context.operator, tenant_id=tenant_id, reason="A question"),
        events=2,
    )


def leave_tenant(context: CallContext) -> Call:
    tenant_id = context.actor.tenant_id
    return Call(
        make=lambda: visits.leave_tenant(actor=context.operator, visit_id=uuid4(), tenant_id=tenant_id),
        events=2,
    )


def rotate_keys(context: CallContext) -> Call:
    """One event per batch of a table."""
    facts = {
        "workspace": context.workspace,
        "name": context.name,
        "type_enum": "webhook",
        "config_encrypted_json": "s",
    }
    config = context.add(lambda: IntegrationConfig.objects.create(**facts))
    tables = context.add(lambda: sum(map(_has_secrets, encrypted_fields())))

    def call() -> None:
        with override_settings(OYL_ENCRYPTION_KEYS=f"{NEW_KEY},{settings.OYL_ENCRYPTION_KEYS}"):
            organisations.rotate_keys(actor=context.actor)

    def is_done() -> bool:
        secret = context.add(lambda: IntegrationConfig.objects.get(pk=config.pk)).config_encrypted_json
        return bool(json.loads(secret.envelope.text)["k"] == "new")

    return Call(make=call, is_done=is_done, events=tables)


def _has_secrets(field: EncryptedJSONField) -> bool:
    rows = field.model._base_manager.exclude(**{field.attname: None})
    return any(json.loads(getattr(row, field.attname).envelope.text)["k"] != "new" for row in rows)


def check_connection(context: CallContext) -> Call:
    return Call(make=lambda: _try_chat_model(context, connection_tests.check_connection))


def list_models(context: CallContext) -> Call:
    return Call(make=lambda: _try_chat_model(context, connection_tests.list_models), events=0)


def _try_chat_model(context: CallContext, service: Callable[..., object]) -> None:
    with running(ChatServer()) as server, override_settings(OUTBOUND_ALLOW=["127.0.0.1"]):
        config = {"url": server.url, "model": "scripted"}
        facts = {"workspace": context.workspace, "name": context.name, "type_enum": "chat_model"}
        made = context.add(lambda: IntegrationConfig.objects.create(**facts, config_encrypted_json=config))
        service(actor=context.actor, integration_id=made.pk)


def create_workspace(context: CallContext) -> Call:
    return Call(
        make=lambda: workspaces.create_workspace(actor=context.actor, name=context.name),
        is_done=context.has(Workspace, name=context.name),
    )


def get_or_create_workspace(context: CallContext) -> Call:
    return Call(
        make=lambda: workspaces.get_or_create_workspace(actor=context.actor, name=context.name),
        is_done=context.has(Workspace, name=context.name),
    )


def usage_of_organisation(context: CallContext) -> Call:
    return Call(make=lambda: services.usage_of_organisation(actor=context.actor, period=PERIOD), events=0)


def usage_of_references(context: CallContext) -> Call:
    references = [context.reference]
    return Call(
        make=lambda: services.usage_of_references(actor=context.actor, references=references), events=0
    )


def usage_of_workspaces(context: CallContext) -> Call:
    return Call(
        make=lambda: services.usage_of_workspaces(
            actor=context.actor, workspace_ids=[context.workspace.pk], period=PERIOD
        ),
        events=0,
    )
