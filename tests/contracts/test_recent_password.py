"""Changes of people, keys, secrets and quotas need a password that was entered a short time ago, by every page and route."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from audit.models import PlatformEvent
from core.encryption.fields import EncryptedJSONField
from core.failed_attempts import Subject, failed_attempts
from core.isolation.scope import platform_scope, tenant_scope
from core.models import QuotaLimit
from core.recent_password import MINUTES
from core.sessions import PASSWORD_ENTERED
from oyl.routes import ROUTES, router
from tenants.models import ApiKey, Invitation, Membership, Tenant, User
from tenants.sign_in import FREE
from tests.conftest import PASSWORD, Person, make_member, make_operator, make_owner, sign_in
from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows, make_rows
from tests.support.api_client import assert_problem, make_caller
from webhooks.models import WebhookSubscription
from workspaces.models import IntegrationConfig

CONFIRM = reverse("admin:confirm_password")


def is_guarded(model: Any) -> bool:
    """Whether it is about people and keys, or has secrets. A new model of these kinds needs a line in `ENTERED`."""
    has_secrets = any(isinstance(field, EncryptedJSONField) for field in model._meta.concrete_fields)
    return model is QuotaLimit or has_secrets or model._meta.app_label == "tenants"


GUARDED = [model for model in apps.get_models() if is_guarded(model)]
PAGES = [model for model in GUARDED if model in admin.site._registry]
VIEWS = {name: view for name, view in ROUTES.items() if view.model in GUARDED and len(view.roles) > 1}
# What a person enters on the page of a model, to add or to change a row.
ENTERED: dict[Any, dict[str, Any]] = {
    Tenant: {"name": "Renamed"},
    Membership: {"role": "viewer"},
    Invitation: {"email": "guarded@example.org", "role": "viewer"},
    ApiKey: {"name": "Made", "scopes": ["knowledge:read"]},
    User: {"email": "guarded-{id}@example.org", "name": "Renamed", "is_active": "on"},
    QuotaLimit: {"kind": "chunks", "workspace_id": "", "credential": "oyl_zebra", "amount": "7"},
    IntegrationConfig: {
        "name": "Made {id}",
        "type_enum": "chat_model",
        "config_encrypted_json": '{"url": "https://example.org/", "model": "large"}',
    },
    WebhookSubscription: {
        "name": "Made {id}",
        "url": "https://example.org/",
        "events_json": ["document.failed"],
    },
}
BODIES: dict[str, dict[str, Any]] = {
    "api-keys": {"name": "Made", "scopes": ["knowledge:read"]},
    "integration-configs": {
        "name": "Made {id}",
        "type_enum": "webhook",
        "config": {"url": "https://example.org/"},
    },
    "invitations": {"email": "guarded-{id}@example.org"},
    "members": {"role": "viewer"},
    "tenants": {"name": "Renamed"},
    "webhooks": {"name": "Made {id}", "url": "https://example.org/", "events": ["document.failed"]},
}


def old(minutes: float = MINUTES + 1) -> int:
    return int(time.time() - minutes * 60)


class Place:
    """An organisation with one row of each model, and a second owner, so that the first can be changed."""

    def __init__(self) -> None:
        self.owner = make_owner()
        self.rows: Rows = make_rows(self.owner)
        self.other = make_member(self.owner.tenant_id, role=self.owner.actor.role)
        self.operator = make_operator()
        self.rows[User] = self.other.user
        with tenant_scope(self.owner.tenant_id):
            self.rows[Membership] = Membership.objects.get(user=self.other.user)

    def client(self, model: Model, entered: int) -> Client:
        return sign_in(Client(), self.operator if model in OPERATORS_ONLY else self.owner.user, entered)

    def entered(self, model: Model) -> dict[str, Any]:
        values = {
            name: value.replace("{id}", uuid4().hex) if isinstance(value, str) else value
            for name, value in ENTERED[model].items()
        }
        needs_workspace = model in (IntegrationConfig, WebhookSubscription)
        return {**values, **({"workspace": self.rows[_workspace()].pk} if needs_workspace else {})}

    def state(self, model: Any) -> list[Any]:
        """All rows of the model."""
        with tenant_scope(self.owner.tenant_id):
            rows = model._base_manager.order_by("pk")
            kept = rows.filter(pk=self.rows[User].pk) if model is User else rows
            return [
                {name: value for name, value in row.items() if name != "last_login"} for row in kept.values()
            ]


def _workspace() -> Any:
    return apps.get_model("workspaces.Workspace")


@pytest.fixture(scope="module")
def place(database: None) -> Place:
    """For pages, which also delete its rows."""
    return Place()


@pytest.fixture(scope="module")
def place_of_routes(database: None) -> Place:
    return Place()


def requests(place: Place, model: Model) -> Iterator[tuple[str, dict[str, Any]]]:
    """(address, form) of each change that the pages of the model offer."""
    client, pk = place.client(model, old(0)), place.rows[model].pk
    changelist = url(model, "changelist")
    if client.get(url(model, "add")).status_code == 200:
        yield url(model, "add"), place.entered(model)
    if "_save" in client.get(url(model, "change", pk)).content.decode():
        yield url(model, "change", pk), place.entered(model)
    actions = client.get(changelist).context.get("action_form")
    for name, _ in actions.fields["action"].choices if actions else ():
        if name:
            yield changelist, {"action": name, "_selected_action": [str(pk)], "post": "yes"}
    if client.get(url(model, "delete", pk)).status_code == 200:
        yield url(model, "delete", pk), {"post": "yes"}


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_pages_ask_for_the_password_and_go_on(model: Model, place: Place):
    for address, form in list(requests(place, model)):
        client, before = place.client(model, old()), place.state(model)
        page = client.post(address, form)
        assert "Enter your password again" in page.content.decode(), (address, form)
        assert place.state(model) == before, (address, form)
        sent: dict[str, list[str]] = {}
        for name, value in page.context["sent"]:
            sent.setdefault(name, []).append(value)
        done = client.post(f"{CONFIRM}?next={page.context['next']}", {**sent, "present_password": PASSWORD})
        assert (done.status_code, done["Location"]) == (307, address)
        assert client.post(address, sent).status_code in (200, 302)
        assert place.state(model) != before or "user" in address, (address, form)
        if address == url(model, "delete", place.rows[model].pk) or "delete_selected" in str(form):
            return


def changes(name: str, view: Any, pk: object) -> Iterator[tuple[str, str]]:
    """(method, address) of each change that the routes of a name offer."""
    for route in list[Any](router.urls):
        is_change = not route.callback.initkwargs.get("only_reads")
        if route.name.startswith(f"{name}-") and is_change:
            address = reverse(route.name, args=[pk] if "pk" in str(route.pattern) else [])
            for method in {*route.callback.actions} & {*view.http_method_names} - {"get", "head"}:
                yield method.upper(), address


@pytest.mark.parametrize("name", VIEWS)
def test_routes_answer_sessions_with_password_needed(name: str, place_of_routes: Place):
    place, view = place_of_routes, VIEWS[name]
    client, before, number = place.client(view.model, old()), place.state(view.model), 0
    for method, address in changes(name, view, place.rows[view.model].pk):
        answer = client.generic(method, address, json.dumps(body_for(place, name)), "application/json")
        assert_problem(answer, 403, "password_needed")
        number += 1
    assert number and place.state(view.model) == before


@pytest.mark.parametrize("name", VIEWS)
def test_routes_take_recent_passwords_and_keys(name: str, place_of_routes: Place):
    place, view = place_of_routes, VIEWS[name]
    pk = place.rows[view.model].pk
    method, address = next(change for change in changes(name, view, pk) if change[0] in ("POST", "PATCH"))
    session, caller = place.client(view.model, old(MINUTES - 1)), make_caller(place.owner)
    path = address.removeprefix("/api/v1/")
    done = session.generic(method, address, json.dumps(body_for(place, name)), "application/json")
    assert done.status_code in (200, 201), done.content
    by_key = caller(method.lower(), path, body_for(place, name))
    assert by_key.status_code in (200, 201), by_key.content


def body_for(place: Place, name: str) -> dict[str, Any]:
    body = {
        key: value.replace("{id}", uuid4().hex) if isinstance(value, str) else value
        for key, value in BODIES[name].items()
    }
    return {
        **body,
        **(
            {"workspace": str(place.rows[_workspace()].pk)}
            if name in ("integration-configs", "webhooks")
            else {}
        ),
    }


def test_models_with_people_keys_and_secrets_are_tested():
    assert set(ENTERED) == set(PAGES) and set(BODIES) == set(VIEWS)


def test_other_changes_need_no_recent_password(owner: Person):
    client = sign_in(Client(), owner.user, old())
    assert client.post(url(_workspace(), "add"), {"name": "Made", "description": ""}).status_code == 302


def test_operator_enters_a_tenant_with_a_recent_password(owner: Person):
    client = sign_in(Client(), make_operator(), old())
    form = {"tenant": str(owner.tenant_id), "reason": "Ticket 12"}
    page = client.post(reverse("admin:enter_tenant"), form)
    assert "Enter your password again" in page.content.decode() and "Ticket 12" in page.content.decode()
    assert "visit" not in client.session
    client.post(CONFIRM, {"present_password": PASSWORD})
    client.post(reverse("admin:enter_tenant"), form)
    assert "visit" in client.session


def test_sign_in_counts_as_entering_the_password(owner: Person):
    client = Client()
    client.post(reverse("admin:login"), {"username": owner.user.email, "password": PASSWORD})
    assert client.session[PASSWORD_ENTERED] >= old(1)
    assert client.get(url(ApiKey, "add")).status_code == 200
    made = client.post(url(ApiKey, "add"), ENTERED[ApiKey], follow=True)
    assert made.context["secret"].text.startswith("oyl_")


def test_wrong_passwords_change_nothing_and_are_counted_and_recorded(owner: Person):
    client = sign_in(Client(), owner.user, old())
    sent = {"email": "kept@example.org", "present_password": "wrong"}
    pages = [client.post(f"{CONFIRM}?next={url(Invitation, 'add')}", sent)]
    for _ in range(FREE + 6):
        failed_attempts().begin(Subject("place", f"{owner.user.email} 127.0.0.1", FREE))
    pages.append(client.post(CONFIRM, sent))
    assert "not your present password" in pages[0].content.decode()
    assert 'value="kept@example.org"' in pages[0].content.decode() and "wrong" not in str(
        pages[0].context["sent"]
    )
    assert (pages[1].status_code, "Retry-After" in pages[1]) == (429, True)
    assert client.session[PASSWORD_ENTERED] < old() + 60
    with platform_scope():
        failed = PlatformEvent.objects.filter(action="sign_in.failed", payload_json__email=owner.user.email)
        assert failed.count() == 1


def test_confirmation_is_recorded_and_leads_only_to_own_pages(owner: Person):
    client = sign_in(Client(), owner.user, old())
    for address in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        done = client.post(CONFIRM, {"present_password": PASSWORD}, query_params={"next": address})
        assert done["Location"] == reverse("admin:index")
    with platform_scope():
        assert PlatformEvent.objects.filter(action="password.confirmed", user_id=owner.user.pk).count() == 4
    assert Client().get(CONFIRM).status_code == 302
