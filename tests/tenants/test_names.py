"""Names of organisations: what is refused, and what nobody learns by trying."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from core.commands import OylCommand
from core.errors import ConflictError
from core.isolation.tenant_directory import all_tenants
from core.permissions import Role
from oyl.tenant_marks import mark_of
from tests.conftest import PASSWORD, Person, accept, browser
from tests.support.api_client import make_caller
from tests.tenants.commands import ShowTenant, output
from tests.tenants.links import link_for


def rename(person: Person, name: str) -> int:
    return int(make_caller(person)("patch", f"tenants/{person.tenant_id}/", {"name": name}).status_code)


def test_no_tenant_is_named_by_an_id_or_by_escapes(owner: Person, stranger: Person):
    before = all_tenants()[owner.tenant_id]
    for name in (str(stranger.tenant_id), stranger.tenant_id.hex, "\x1b]0;PWN\x07", "a\r\nb", "Bet\u202ea"):
        assert rename(owner, name) == 422, name
    assert all_tenants()[owner.tenant_id] == before
    assert output(ShowTenant(), tenant=str(stranger.tenant_id)) == f"in {stranger.tenant_id}\n"
    with pytest.raises(CommandError, match="There is no tenant"):
        output(ShowTenant(), tenant=str(uuid4()))


def test_renaming_does_not_reveal_names_of_other_tenants(owner: Person, stranger: Person):
    taken = all_tenants()[stranger.tenant_id]
    assert [rename(owner, name) for name in (taken, f"Absent {uuid4().hex}", taken)] == [200, 200, 200]
    with pytest.raises(CommandError, match="Several tenants are named") as caught:
        output(ShowTenant(), tenant=taken)
    assert str(owner.tenant_id) in str(caught.value) and str(stranger.tenant_id) in str(caught.value)


def test_person_joins_no_tenant_that_looks_like_one_of_theirs(owner: Person, stranger: Person):
    name = all_tenants()[stranger.tenant_id]
    assert rename(owner, name.upper().replace("T", "\u0422")) == 200
    with pytest.raises(ConflictError, match="looks like"):
        accept(link_for(owner, stranger.user.email), current_password=PASSWORD)


def test_tenant_that_is_renamed_like_another_keeps_its_mark(owner: Person, stranger: Person):
    """A refusal would tell the stranger to which other organisations the person belongs."""
    member = accept(link_for(stranger, owner.user.email), current_password=PASSWORD)
    name = all_tenants()[owner.tenant_id]
    assert rename(stranger, name) == 200
    page = browser(member).get(reverse("admin:index"), follow=True).content.decode()
    for person in (owner, stranger):
        assert f"{mark_of(person.tenant_id)}</span> {name}" in page
    assert mark_of(owner.tenant_id) != mark_of(stranger.tenant_id)


def test_tenant_is_not_renamed_to_look_like_one_that_the_person_sees(owner: Person, stranger: Person):
    accept(link_for(stranger, owner.user.email, Role.VIEWER), current_password=PASSWORD)
    assert rename(owner, all_tenants()[stranger.tenant_id].upper()) == 409


def test_create_tenant_refuses_a_name_that_looks_like_another(stranger: Person):
    with pytest.raises(CommandError, match="There is a tenant named"):
        output("create_tenant", all_tenants()[stranger.tenant_id].upper(), admin_email="ada@example.org")


class Show(OylCommand):
    def run(self, *args: object, **options: object) -> dict[str, str]:
        return {"name": "a\x1b[2J\u202eb"}

    def describe(self, result: dict[str, str]) -> str:
        return result["name"] + "\nnext"


def test_commands_escape_what_a_terminal_would_act_upon():
    assert output(Show()) == "a\\u001b[2J\\u202eb\nnext\n"
    stdout = StringIO()
    call_command(Show(), json=True, stdout=stdout)
    assert "\x1b" not in stdout.getvalue() and "\u202e" not in stdout.getvalue()
    assert json.loads(stdout.getvalue()) == {"name": "a\x1b[2J\u202eb"}
