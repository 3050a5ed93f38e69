"""Every way of signing in and of setting a password leaves its events."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditLog, PlatformEvent
from core.isolation.scope import platform_scope, tenant_scope
from core.sessions import BEGUN, PASSWORD_ENTERED
from tenants.models import User
from tenants.sign_in import BROWSER_COOKIE
from tests.conftest import PASSWORD, Person, browser
from tests.support.admin_pages import url
from tests.support.passwords import authenticate
from tests.tenants.links import choose_by_link, join_page, link_for

LOGIN, INDEX = reverse("admin:login"), reverse("admin:index")
NEW = "chosen by the person alone"


def address() -> str:
    return f"person-{uuid4().hex[:10]}@example.org"


def joined(link: str, **form: str) -> Client:
    client = Client()
    page = join_page(client, link, new_password=NEW, repeated_password=NEW, **form)
    assert "You are a member of" in page.content.decode()
    return client


# Ways of signing in. Each returns the signed-in browser and the person's address.


def by_the_sign_in_page(owner: Person) -> tuple[Client, str]:
    client = Client()
    client.post(LOGIN, {"username": owner.user.email, "password": PASSWORD})
    return client, owner.user.email


def by_an_invitation(owner: Person) -> tuple[Client, str]:
    return joined(link_for(owner, email := address()), name="Ada"), email


def by_a_second_invitation(owner: Person, stranger: Person) -> tuple[Client, str]:
    link = link_for(stranger, owner.user.email)
    return joined(link, current_password=PASSWORD), owner.user.email


DOORS: list[Callable[..., tuple[Client, str]]] = [
    by_the_sign_in_page,
    by_an_invitation,
    by_a_second_invitation,
]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_sign_in_is_recorded_and_begins_a_session(door: Any, owner: Person, stranger: Person):
    client, email = door(*(owner, stranger)[: door.__code__.co_argcount])
    user = User.objects.get(email=email)
    with platform_scope():
        assert PlatformEvent.objects.filter(action="sign_in.succeeded", user_id=user.pk).count() == 1
    with tenant_scope(owner.tenant_id):
        assert AuditLog.objects.filter(action="sign_in.succeeded", user_id=user.pk).count() == 1
    assert client.session[BEGUN] and client.session[PASSWORD_ENTERED] and BROWSER_COOKIE in client.cookies
    assert client.get(INDEX, follow=True).status_code == 200


# Ways of setting a password. Each returns the address of the account that has it now.


def on_the_own_page(owner: Person, **_: Any) -> str:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    owner.client.post(reverse("admin:password_change"), form)
    return owner.user.email


def as_a_new_person(owner: Person, **_: Any) -> str:
    return by_an_invitation(owner)[1]


def instead_of_one_that_a_tenant_may_know(owner: Person, stranger: Person, **_: Any) -> str:
    return by_a_second_invitation(owner, stranger)[1]


def by_an_operators_link(owner: Person, operator: User, **_: Any) -> str:
    form = {"action": "reset_password", "_selected_action": [str(owner.user.pk)]}
    page = browser(operator).post(url(User, "changelist"), form, follow=True)
    choose_by_link(page.context["secret"].text, NEW)
    return owner.user.email


def by_the_link_of_a_command(capsys: Any, **_: Any) -> str:
    call_command("create_operator", email := address())
    choose_by_link(capsys.readouterr().out.split("Link")[1].split()[0], NEW)
    return email


def instead_of_one_that_was_made(owner: Person, **_: Any) -> str:
    was_made(owner.user)
    page = Client().post(LOGIN, {"username": owner.user.email, "password": PASSWORD})
    choose_by_link(page["Location"], NEW)
    return owner.user.email


WAYS: list[Callable[..., str]] = [on_the_own_page, as_a_new_person, instead_of_one_that_a_tenant_may_know]
WAYS += [by_an_operators_link, by_the_link_of_a_command, instead_of_one_that_was_made]


def was_made(user: User) -> None:
    """As by an early release, which made passwords and did not know who had changed theirs."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE users SET password_changed_at = NULL WHERE id = %s", [user.pk])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_new_password_is_an_event(
    way: Any, owner: Person, stranger: Person, operator: User, capsys: pytest.CaptureFixture[str]
):
    begun = timezone.now()
    email = way(owner=owner, stranger=stranger, operator=operator, capsys=capsys)
    user = authenticate(username=email, password=NEW)
    assert isinstance(user, User) and user.password_changed_at
    with platform_scope():
        changed = PlatformEvent.objects.filter(action="password.changed", object_id=user.pk)
        (event,) = changed.filter(created_at__gt=begun)
    assert event.user_id == user.pk and NEW not in str(event.payload_json)


def test_password_that_was_made_does_not_sign_in(owner: Person):
    was_made(owner.user)
    client = Client()
    page = client.post(LOGIN, {"username": owner.user.email, "password": PASSWORD}, follow=True)
    assert "Others may know the password that was made for you" in page.content.decode()
    assert client.get(INDEX).status_code == 302
    wrong = Client().post(LOGIN, {"username": owner.user.email, "password": "wrong"})
    assert wrong.status_code == 200 and "do not match" in wrong.content.decode()


def test_operator_whose_password_was_made_is_told_how_to_get_a_link(operator: User):
    was_made(operator)
    page = Client().post(LOGIN, {"username": operator.email, "password": PASSWORD})
    assert "create_operator --new-password" in page.content.decode()


def callers(*names: str) -> dict[str, set[str]]:
    """{name of a function: the modules and functions of OYL that call it}."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for app in ("tenants", "oyl", "core"):
        for path in Path(settings.BASE_DIR / app).rglob("*.py"):
            text = path.read_text()
            if not any(f"{name}(" in text for name in names):
                continue
            for function in ast.walk(ast.parse(text)):
                for node in ast.walk(function) if isinstance(function, ast.FunctionDef) else ():
                    called = getattr(node, "func", None)
                    name = getattr(called, "id", "") or getattr(called, "attr", "")
                    if name in found:
                        found[name].add(f"{path.stem}.{function.name}")  # type: ignore[attr-defined]
    return found


def test_there_are_no_other_ways():
    """A new one needs a case above."""
    doors = {
        "site.login",
        "joining._accept",
        "oidc._signed_in",
        "second_factor._sign_in",
    }  # tests/tenants/test_second_factors.py
    assert callers("store_password", "set_password", "login", "signed_in") == {
        "store_password": {"sign_ins.change_password", "invitations.accept_invitation", "joining.save"},
        "set_password": {"models.create_user"},
        "login": doors,
        "signed_in": doors,
    }
