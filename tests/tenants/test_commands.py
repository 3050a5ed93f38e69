"""The base class of commands: results on stdout, problems on stderr, for one tenant or all."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.access import tenants_of_user
from tenants.models import ApiKey
from tenants.services.api_keys import create_api_key
from tenants.services.members import member_named
from tests.conftest import accept
from tests.tenants.commands import ShowTenant, output


def test_create_tenant_returns_a_link_by_which_the_owner_joins(database):
    made = json.loads(output("create_tenant", "Ada & Söhne", admin_email="Ada@example.org", json=True))
    assert made["admin_email"] == "ada@example.org"
    with pytest.raises(CommandError, match="There is no active owner"):
        output("create_api_key", "x", tenant=made["tenant_id"])
    link = output("invite", "ada@example.org", "--role", "owner", tenant=made["tenant_id"]).strip()
    assert "does not work any more" in Client().get(made["link"], follow=True).content.decode()
    assert [access.role for access in tenants_of_user(accept(link).pk)] == [Role.OWNER]
    listed = json.loads(output("list_tenants", json=True))
    assert {"id": made["tenant_id"], "name": "Ada & Söhne"} in listed


def test_create_tenant_refuses_a_taken_name_and_an_invalid_address(database):
    output("create_tenant", "Taken", admin_email="taken@example.org")
    with pytest.raises(CommandError, match="There is a tenant named 'Taken' already"):
        output("create_tenant", "Taken", admin_email="taken@example.org")
    with pytest.raises(CommandError, match="'nobody' is not an e-mail address"):
        output("create_tenant", "Other", admin_email="nobody")


def test_created_api_key_acts_for_its_member(owner, colleague):
    tenant, responses = str(owner.tenant_id), {}
    for person, arguments in ((owner, []), (colleague, ["--user", colleague.user.email.upper()])):
        key = output("create_api_key", "Script", *arguments, tenant=tenant).strip()
        responses[person] = Client().get("/api/v1/documents/", headers={"Authorization": f"Bearer {key}"})
        with tenant_scope(owner.tenant_id):
            assert ApiKey.objects.get(prefix=key[:16]).user == person.user
    assert [answer.status_code for answer in responses.values()] == [200, 200]
    narrow = json.loads(output("create_api_key", "x", "--scope", "audit:read", tenant=tenant, json=True))
    assert narrow["acts_for"] == owner.user.email
    answer = Client().get("/api/v1/documents/", headers={"Authorization": f"Bearer {narrow['key']}"})
    assert answer.json()["code"] == "scope_missing"
    with pytest.raises(CommandError, match=r"no active member 'nobody@example\.org'"):
        output("create_api_key", "x", "--user", "nobody@example.org", tenant=tenant)


def test_owner_cannot_create_a_key_for_another_member(owner, colleague):
    member = member_named(owner.tenant_id, colleague.user.email)
    with pytest.raises(ForbiddenError):
        create_api_key(actor=owner.actor, name="x", scopes=["audit:read"], member=member)


@pytest.mark.parametrize(("name", "complaint"), [(" ", "must not be empty"), ("x" * 256, "at most 255")])
def test_invalid_tenant_name_is_refused(database, name, complaint):
    with pytest.raises(CommandError, match=complaint):
        output("create_tenant", name, "--admin-email", "ada@example.org")


def test_tenant_option_takes_an_id_and_refuses_an_unknown_name(tenant):
    assert output(ShowTenant(), tenant=str(tenant)) == f"in {tenant}\n"
    with pytest.raises(CommandError, match="There is no tenant 'Nowhere'"):
        output(ShowTenant(), tenant="Nowhere")


def test_tenant_or_all_tenants_is_required(database):
    with pytest.raises(CommandError, match="one of the arguments --tenant --all-tenants is required"):
        call_command(ShowTenant())


def test_all_tenants_returns_a_list(tenant, stranger):
    results = json.loads(output(ShowTenant(), "--all-tenants", json=True))
    assert {str(tenant), str(stranger.tenant_id)} <= {one["tenant"] for one in results}


def test_failure_in_one_tenant_does_not_stop_the_others(tenant, stranger):
    command, stdout = ShowTenant(), StringIO()
    command.broken = str(tenant)
    with pytest.raises(CommandError, match="out of order"):
        call_command(command, "--all-tenants", stdout=stdout)
    assert str(stranger.tenant_id) in stdout.getvalue()
    assert str(tenant) not in stdout.getvalue()


def test_result_with_a_problem_is_printed_and_fails(tenant):
    command, stdout = ShowTenant(), StringIO()
    command.broken = "result"
    with pytest.raises(CommandError, match="bad"):
        call_command(command, tenant=str(tenant), stdout=stdout)
    assert str(tenant) in stdout.getvalue()
