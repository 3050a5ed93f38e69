"""The commands for operators' accounts."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError
from django.test import Client

from audit.models import PlatformEvent
from core.isolation.scope import platform_scope
from tenants import passwords
from tenants.access import hash_secret
from tenants.models import User
from tests.conftest import PASSWORD, Person, browser
from tests.support.passwords import authenticate
from tests.tenants.links import choose_by_link

FIRST, SECOND = "the first of the operator", "the second of the operator"


def output(*arguments: str) -> dict[str, Any]:
    stdout = StringIO()
    call_command("create_operator", *arguments, "--json", stdout=stdout)
    return dict(json.loads(stdout.getvalue()))


def test_operator_is_made_and_gets_a_new_password(database: None):
    email = f"Op-{uuid4().hex[:8]}@example.org"
    link = output(email)["link"]
    assert choose_by_link(link, FIRST).status_code == 302
    operator = authenticate(username=email, password=FIRST)
    assert isinstance(operator, User) and operator.is_superuser and operator.email == email.lower()
    client = browser(operator)
    links = [output(email, "--new-password")["link"] for _ in range(2)]
    assert client.get("/admin/").status_code == 302
    for old in (link, links[0]):
        assert "does not work any more" in Client().get(old, follow=True).content.decode()
    assert authenticate(username=email, password=FIRST) is None
    assert choose_by_link(links[1], SECOND).status_code == 302
    assert authenticate(username=email, password=SECOND) == operator


def test_only_the_link_sets_the_password_of_an_operator(database: None):
    email = f"op-{uuid4().hex[:8]}@example.org"
    link = output(email)["link"]
    operator = User.objects.get(email=email)
    token = link.rstrip("/").rpartition("/")[2]
    for proof in ("", "!", "a guess", hash_secret(token)):
        with pytest.raises(ProgrammingError, match="password of an operator"):
            passwords.store(operator.pk, passwords.hash_password(FIRST), proof=proof)
    for guess in (token, hash_secret(token)):
        assert authenticate(username=email, password=guess) is None


def test_operator_is_switched_off_and_on(operator: User):
    client = browser(operator)
    assert output(operator.email, "--switch-off") == {"email": operator.email, "link": None}
    assert client.get("/admin/").status_code == 302
    assert authenticate(username=operator.email, password=PASSWORD) is None
    output(operator.email, "--switch-on")
    assert authenticate(username=operator.email, password=PASSWORD) == operator
    with platform_scope():
        events = PlatformEvent.objects.filter(object_id=operator.pk, action__startswith="operator.switched")
        actions = list(events.order_by("created_at").values_list("action", flat=True))
    assert actions == ["operator.switched_off", "operator.switched_on"]


def test_member_does_not_become_an_operator(owner: Person):
    with pytest.raises(CommandError, match="has an account already"):
        output(owner.user.email)
    with pytest.raises(CommandError, match="There is no operator"):
        output(owner.user.email, "--new-password")
    with pytest.raises(CommandError, match="There is no operator"):
        output(owner.user.email, "--switch-off")
    assert not User.objects.get(pk=owner.user.pk).is_superuser


@pytest.mark.parametrize("name", ["createsuperuser", "changepassword"])
def test_djangos_commands_name_the_one_to_use(name: str):
    with pytest.raises(CommandError, match="create_operator"):
        call_command(name)
