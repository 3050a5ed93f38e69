"""The base of commands: results on stdout, problems on stderr, one tenant or all."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from core.commands import TenantCommand
from core.errors import ConflictError, ForbiddenError
from core.isolation.scope import tenant_scope
from tenants.models import ApiKey
from tenants.services import create_api_key, member_named


def output(command, *arguments, **options):
    stdout = StringIO()
    call_command(command, *arguments, stdout=stdout, **options)
    return stdout.getvalue()


class Who(TenantCommand):
    offers_all_tenants = True
    broken = ""

    def run_for(self, actor, *args, **options):
        if str(actor.tenant_id) == self.broken:
            raise ConflictError("out of order")
        return {"tenant": actor.tenant_id, "credential": actor.credential}

    def describe(self, result):
        return f"in {result['tenant']}"

    def problem(self, result):
        return "bad" if self.broken == "result" else ""


def test_create_tenant_tells_the_new_owners_password_once(database):
    made = json.loads(output("create_tenant", "Ada & Söhne", admin_email="Ada@example.org", json=True))
    assert made["admin_email"] == "ada@example.org"
    assert len(made["password"]) >= 12
    second = json.loads(output("create_tenant", "Ada Two", admin_email="ada@example.org", json=True))
    assert second["password"] is None
    listed = json.loads(output("list_tenants", json=True))
    assert {"id": made["tenant_id"], "name": "Ada & Söhne"} in listed


def test_create_tenant_refuses_a_taken_name_and_a_bad_address(database):
    output("create_tenant", "Taken", admin_email="taken@example.org")
    with pytest.raises(CommandError, match="There is a tenant named 'Taken' already"):
        output("create_tenant", "Taken", admin_email="taken@example.org")
    with pytest.raises(CommandError, match="'nobody' is not an e-mail address"):
        output("create_tenant", "Other", admin_email="nobody")


def test_create_api_key_makes_one_that_opens_the_api_for_a_member(owner, colleague):
    tenant, whoever = str(owner.tenant_id), {}
    for person, arguments in ((owner, []), (colleague, ["--user", colleague.user.email.upper()])):
        key = output("create_api_key", "Script", *arguments, tenant=tenant).strip()
        whoever[person] = Client().get("/api/v1/documents/", headers={"Authorization": f"Bearer {key}"})
        with tenant_scope(owner.tenant_id):
            assert ApiKey.objects.get(prefix=key[:16]).user == person.user
    assert [answer.status_code for answer in whoever.values()] == [200, 200]
    narrow = json.loads(output("create_api_key", "x", "--scope", "audit:read", tenant=tenant, json=True))
    assert narrow["acts_for"] == owner.user.email
    answer = Client().get("/api/v1/documents/", headers={"Authorization": f"Bearer {narrow['key']}"})
    assert answer.json()["code"] == "scope_missing"
    with pytest.raises(CommandError, match=r"no active member 'nobody@example\.org'"):
        output("create_api_key", "x", "--user", "nobody@example.org", tenant=tenant)


def test_nobody_else_makes_keys_that_act_for_others(owner, colleague):
    member = member_named(owner.tenant_id, colleague.user.email)
    with pytest.raises(ForbiddenError):
        create_api_key(actor=owner.actor, name="x", scopes=["audit:read"], member=member)


@pytest.mark.parametrize(("name", "complaint"), [(" ", "must not be empty"), ("x" * 256, "at most 255")])
def test_a_name_that_cannot_be_is_refused(database, name, complaint):
    with pytest.raises(CommandError, match=complaint):
        output("create_tenant", name, "--admin-email", "ada@example.org")


def test_a_tenant_is_named_by_its_id_or_its_name(tenant):
    assert output(Who(), tenant=str(tenant)) == f"in {tenant}\n"
    with pytest.raises(CommandError, match="There is no tenant 'Nowhere'"):
        output(Who(), tenant="Nowhere")


def test_one_of_tenant_and_all_tenants_is_needed(database):
    with pytest.raises(CommandError, match="one of the arguments --tenant --all-tenants is required"):
        call_command(Who())


def test_all_tenants_give_a_list(tenant, stranger):
    told = json.loads(output(Who(), "--all-tenants", json=True))
    assert {str(tenant), str(stranger.tenant_id)} <= {one["tenant"] for one in told}


def test_a_tenant_in_which_it_fails_is_named_and_does_not_stop_the_others(tenant, stranger):
    command, stdout = Who(), StringIO()
    command.broken = str(tenant)
    with pytest.raises(CommandError, match="out of order"):
        call_command(command, "--all-tenants", stdout=stdout)
    assert str(stranger.tenant_id) in stdout.getvalue()
    assert str(tenant) not in stdout.getvalue()


def test_a_bad_result_is_shown_and_fails(tenant):
    command, stdout = Who(), StringIO()
    command.broken = "result"
    with pytest.raises(CommandError, match="bad"):
        call_command(command, tenant=str(tenant), stdout=stdout)
    assert str(tenant) in stdout.getvalue()
