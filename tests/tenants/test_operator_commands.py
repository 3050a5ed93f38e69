"""The commands for operators' accounts."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import PlatformEvent
from core.isolation.scope import platform_scope
from tenants.models import User
from tests.conftest import PASSWORD, Person, browser


def output(*arguments: str) -> dict[str, str | None]:
    stdout = StringIO()
    call_command("create_operator", *arguments, "--json", stdout=stdout)
    return dict(json.loads(stdout.getvalue()))


def test_operator_is_made_and_gets_a_new_password(database: None):
    email = f"Op-{uuid4().hex[:8]}@example.org"
    first = output(email)["password"]
    operator = authenticate(username=email, password=first)
    assert isinstance(operator, User) and operator.is_superuser and operator.email == email.lower()
    client = browser(operator)
    second = output(email, "--new-password")["password"]
    assert authenticate(username=email, password=first) is None
    assert authenticate(username=email, password=second) == operator
    assert client.get("/admin/").status_code == 302


def test_operator_is_switched_off_and_on(operator: User):
    client = browser(operator)
    assert output(operator.email, "--switch-off") == {"email": operator.email, "password": None}
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
