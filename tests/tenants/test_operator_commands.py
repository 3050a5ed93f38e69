"""The commands for operators' accounts."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.models import User
from tests.conftest import Person, browser


def output(*arguments: str) -> dict[str, str]:
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


def test_member_does_not_become_an_operator(owner: Person):
    with pytest.raises(CommandError, match="has an account already"):
        output(owner.user.email)
    with pytest.raises(CommandError, match="There is no operator"):
        output(owner.user.email, "--new-password")
    assert not User.objects.get(pk=owner.user.pk).is_superuser


@pytest.mark.parametrize("name", ["createsuperuser", "changepassword"])
def test_djangos_commands_name_the_one_to_use(name: str):
    with pytest.raises(CommandError, match="create_operator"):
        call_command(name)
