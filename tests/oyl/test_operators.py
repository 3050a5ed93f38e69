"""Operators are apart from tenants: their events, their rights, and their visits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError, connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditLog, PlatformEvent
from core.errors import NestedTenantScopeError
from core.isolation.scope import platform_scope, tenant_scope
from core.permissions import Role, key_scopes
from tenants import visits
from tenants.models import ApiKey, Membership, User
from tenants.tasks import end_expired_visits
from tests.conftest import Person, browser, make_operator
from tests.support.admin_pages import OPERATORS_ONLY, url
from workspaces.models import Workspace

INDEX = reverse("admin:index")
ENTER, LEAVE = reverse("admin:enter_tenant"), reverse("admin:leave_tenant")


def platform_events(**facts: Any) -> list[PlatformEvent]:
    with platform_scope():
        return list(PlatformEvent.objects.filter(**facts).order_by("created_at"))


def audit_events(tenant_id: UUID, **facts: Any) -> list[AuditLog]:
    with tenant_scope(tenant_id):
        return list(AuditLog.objects.filter(**facts).order_by("created_at"))


def visitor(operator: User, tenant_id: UUID, reason: str = "Ticket 12: search is slow") -> Client:
    client = browser(operator)
    client.post(ENTER, {"tenant": str(tenant_id), "reason": reason})
    return client


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> Iterator[None]:
    now = timezone.now()
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: now + by)
        yield


def test_work_on_users_is_told_to_no_tenant(owner: Person, stranger: Person, operator: User):
    client = browser(operator)
    page = url(User, "change", stranger.user.pk)
    email = f"acquirer-{stranger.user.pk}@example.org"
    assert client.post(page, {"email": email, "name": "Dr. Secret", "is_active": "on"}).status_code == 302
    (event,) = platform_events(action="user.changed", object_id=stranger.user.pk)
    assert event.user_id == operator.pk and event.payload_json["new"] == {
        "email": email,
        "name": "Dr. Secret",
    }
    assert audit_events(owner.tenant_id, object_id=stranger.user.pk) == []
    (told,) = audit_events(stranger.tenant_id, object_id=stranger.user.pk)
    assert told.action == "member.account_changed" and told.user_id is None
    assert "Secret" not in str(told.payload_json) and email not in str(told.payload_json)


def test_tenants_cannot_read_events_of_the_platform(owner: Person, operator: User):
    visitor(operator, owner.tenant_id)
    with tenant_scope(owner.tenant_id):
        assert not PlatformEvent.objects.exists()
    assert not PlatformEvent.objects.exists()  # outside of every scope
    with tenant_scope(owner.tenant_id), pytest.raises(NestedTenantScopeError), platform_scope():
        pass
    with platform_scope():
        assert PlatformEvent.objects.exists()


@pytest.mark.parametrize("sql", ["UPDATE platform_events SET action = ''", "DELETE FROM platform_events"])
def test_events_of_the_platform_are_append_only(operator: User, owner: Person, sql: str):
    visitor(operator, owner.tenant_id)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(sql)
    with pytest.raises(ProgrammingError, match="append-only"):
        connections["owner"].cursor().execute("TRUNCATE platform_events")


def test_operators_pages_need_no_tenant_and_are_left_when_one_is_entered(owner: Person, operator: User):
    client = browser(operator)
    assert "Enter an organisation" in client.get(INDEX).content.decode()
    for model in OPERATORS_ONLY:
        assert client.get(url(model, "changelist")).status_code == 200
    assert client.get(url(Workspace, "changelist")).status_code == 403
    assert client.get("/api/v1/workspaces/").status_code == 401
    client.post(ENTER, {"tenant": str(owner.tenant_id), "reason": "Ticket 12"})
    assert client.get(url(Workspace, "changelist")).status_code == 200
    assert "as an operator, until" in client.get(INDEX).content.decode()
    for model in OPERATORS_ONLY:
        assert client.get(url(model, "changelist")).status_code == 403
    client.post(LEAVE)
    assert client.get(url(Workspace, "changelist")).status_code == 403


def test_events_of_the_platform_are_shown_to_operators(owner: Person, operator: User):
    client = visitor(operator, owner.tenant_id)
    client.post(LEAVE)
    events = platform_events(user_id=operator.pk)
    changelist = url(PlatformEvent, "changelist")
    shown = client.get(changelist, {"action__icontains": "operator.entered"}).content.decode()
    assert operator.email in shown and str(events[0].pk) in shown and str(events[1].pk) not in shown
    page = client.get(url(PlatformEvent, "change", events[0].pk)).content.decode()
    assert "Ticket 12: search is slow" in page
    assert client.post(url(PlatformEvent, "change", events[0].pk), {"action": "x"}).status_code == 403


def test_visit_has_a_reason_and_both_sides_record_it(owner: Person, operator: User):
    client = browser(operator)
    for form in ({"tenant": str(owner.tenant_id)}, {"tenant": str(owner.tenant_id), "reason": "  "}):
        assert "This field is required" in client.post(ENTER, form).content.decode()
    for reason in ("\u200b", "\u3164", "\u2800", ".", "\u2800" * 9, "abc", "a" * 9 + "\u202e", "\u2026" * 9):
        page = client.post(ENTER, {"tenant": str(owner.tenant_id), "reason": reason}).content.decode()
        assert "Say why you enter" in page, ascii(reason)
    assert audit_events(owner.tenant_id, action="operator.entered") == []
    client.post(ENTER, {"tenant": str(owner.tenant_id), "reason": "Ticket\r\n 12"})
    client.post(LEAVE)
    for events in (
        audit_events(owner.tenant_id, action__startswith="operator."),
        platform_events(user_id=operator.pk, action__startswith="operator."),
    ):
        assert [event.action for event in events] == ["operator.entered", "operator.left"]
        assert all(event.user_id == operator.pk for event in events)
        assert events[0].payload_json["reason"] == "Ticket 12" and events[0].payload_json["until"]


def test_visit_ends_after_thirty_minutes(owner: Person, operator: User, monkeypatch: pytest.MonkeyPatch):
    client = visitor(operator, owner.tenant_id)
    end_expired_visits()
    assert len(audit_events(owner.tenant_id, action="operator.left")) == 0
    with later(monkeypatch, visits.LENGTH + timedelta(seconds=1)):
        assert client.get(url(Workspace, "changelist")).status_code == 403
        assert client.get(url(User, "changelist")).status_code == 200
        assert end_expired_visits() >= 1
        end_expired_visits()
    (event,) = audit_events(owner.tenant_id, action="operator.left")
    assert event.payload_json["why"] == "the time was over" and event.user_id == operator.pk


def test_sign_out_ends_the_visit(owner: Person, operator: User):
    client = visitor(operator, owner.tenant_id)
    client.post(reverse("admin:logout"))
    assert len(audit_events(owner.tenant_id, action="operator.left")) == 1


def test_membership_gives_an_operator_nothing_and_takes_nothing(owner: Person, operator: User):
    with tenant_scope(owner.tenant_id):
        Membership.objects.create(user=operator, role=Role.VIEWER)
    client = Client()
    password = {"username": operator.email, "password": "correct horse battery staple"}
    assert client.post(reverse("admin:login"), password).status_code == 302
    assert client.get(url(User, "changelist")).status_code == 200
    assert client.get(url(Workspace, "changelist")).status_code == 403
    client.post(ENTER, {"tenant": str(owner.tenant_id), "reason": "Ticket 12"})
    assert client.post(url(Workspace, "add"), {"name": "Made", "description": ""}).status_code == 302


def test_operator_makes_no_key_that_outlives_the_visit(owner: Person, operator: User):
    client = visitor(operator, owner.tenant_id)
    page = client.post(url(ApiKey, "add"), {"name": "Mine", "scopes": key_scopes()}, follow=True)
    assert "Let a member of the organisation make it" in page.content.decode()
    with tenant_scope(owner.tenant_id):
        assert not ApiKey.objects.exists()


def test_members_cannot_enter_as_operators_do(owner: Person, stranger: Person):
    for person in (owner, stranger):
        form = {"tenant": str(stranger.tenant_id), "reason": "Curious"}
        assert person.client.post(ENTER, form).status_code == 403
    assert audit_events(stranger.tenant_id, action="operator.entered") == []


def test_operator_is_not_changed_by_another(operator: User):
    client, page = browser(operator), url(User, "change", make_operator().pk)
    assert 'name="email"' not in client.get(page).content.decode()
    form = {"email": "mine@example.org", "name": "Eve", "is_active": ""}
    assert client.post(page, form).status_code == 403
    assert platform_events(action="user.changed", user_id=operator.pk) == []


def test_password_of_an_operator_is_not_set_by_another(operator: User):
    client = browser(operator)
    form = {"action": "reset_password", "_selected_action": [str(operator.pk)]}
    page = client.post(url(User, "changelist"), form, follow=True)
    assert "Operators get a new password by" in page.content.decode()
