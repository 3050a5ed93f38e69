"""The tenant that made the account: it invited a person first, used the link itself, and removed the person again. Later the
person belongs to the victim. Nothing that the maker has kept opens anything, and it learns nothing of the person."""

from __future__ import annotations

from argparse import Action
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.test import Client

from audit.models import AuditLog
from core.commands import TenantCommand, email_address
from core.isolation.scope import tenant_scope
from core.permissions import Role, key_scopes
from tenants.models import ApiKey, Invitation, Membership, User
from tenants.services.api_keys import create_api_key
from tenants.services.members import remove_member
from tests.conftest import Person, accept, browser, make_owner
from tests.proof.conftest import Size
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.commands import COMMANDS, GENERAL, mentions_victim, parser_of, run, usual_value
from tests.proof.isolation.parties import Model, Party
from tests.proof.isolation.routes import Route, routes
from tests.proof.isolation.sending import METHODS, send
from tests.support.admin_pages import OPERATORS_ONLY
from tests.support.api_client import make_caller
from tests.support.passwords import authenticate
from tests.tenants.links import link_for

THEIRS, OWN = "chosen by the maker of the account", "chosen by the person alone"
# The suite tries all routes about people, and some of the others.
pytestmark = pytest.mark.usefixtures("maker", "untouched")
PEOPLE: set[Model] = {User, Membership, Invitation, ApiKey, AuditLog}
SAMPLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """`kept` are clients with what it has of the person's; `ids` of what the victim has of the person."""

    owner: Person
    email: str
    link: str
    kept: dict[str, Client]
    ids: dict[Model, UUID]


@pytest.fixture(scope="session")
def maker(victim: Party) -> Maker:
    owner, email = make_owner(), f"person-{uuid4().hex[:10]}@example.org"
    link = link_for(owner, email, Role.ADMIN)
    user = accept(link, new_password=THEIRS)
    with tenant_scope(owner.tenant_id):
        first = Membership.objects.get(user=user)
    actor = replace(owner.actor, user_id=user.pk, role=Role.ADMIN)
    key = create_api_key(actor=actor, name="Kept", scopes=key_scopes()).secret
    kept = {
        "session": browser(user),
        "key": Client(headers={"Authorization": f"Bearer {key}"}),
    }
    assert all(client.get("/api/v1/workspaces/").status_code == 200 for client in kept.values())
    remove_member(actor=owner.actor, membership=first)
    accept(link_for(victim.person, email, Role.OWNER), new_password=OWN)
    User.objects.filter(pk=user.pk).update(name=victim.sign)
    with tenant_scope(victim.tenant_id):
        ids: dict[Model, UUID] = {User: user.pk, Membership: Membership.objects.get(user=user).pk}
    return Maker(owner=owner, email=email, link=link, kept=kept, ids=ids)


@pytest.fixture
def signed_in(maker: Maker) -> Client:
    """The maker's owner."""
    return maker.owner.client


def tried(size: Size) -> list[Route]:
    return [
        route
        for number, route in enumerate(routes())
        if route.model in PEOPLE or number % size(SAMPLE, 1) == 0
    ]


def test_kept_password_and_link_open_nothing(maker: Maker, victim: Party):
    assert authenticate(username=maker.email, password=THEIRS) is None
    client = Client()
    assert client.get(maker.link, follow=True).status_code == 404
    again = link_for(maker.owner, maker.email, Role.OWNER)
    page = client.get(again, follow=True)
    assert not answer(page).mentions(victim)
    form = {"current_password": THEIRS, "new_password": THEIRS, "repeated_password": THEIRS, "name": "Maker"}
    assert not answer(client.post("/join/", form, follow=True)).mentions(victim)
    assert authenticate(username=maker.email, password=THEIRS) is None
    assert authenticate(username=maker.email, password=OWN)


def test_kept_session_and_key_are_answered_as_nobody(
    maker: Maker, victim: Party, size: Size, counted: Counter[str]
):
    for route, method in product(tried(size), METHODS[: size(1, len(METHODS))]):
        target = route.model if route.model in victim.rows else Membership
        pk = maker.ids.get(target) or victim.id_of(target)
        address = route.address(target, pk)
        nobody = answer(send(Client(), method, address))
        for name, client in maker.kept.items():
            given = answer(send(client, method, address))
            counted["kept secrets"] += 1
            assert given.status in (nobody.status, 401), (name, method, address)
            assert not given.mentions(victim)


def test_ids_of_the_person_are_answered_as_absent(
    maker: Maker, victim: Party, signed_in: Client, size: Size, counted: Counter[str]
):
    api_client = Client(headers={"Authorization": f"Bearer {make_caller(maker.owner).key.secret}"})
    for route, (model, pk) in product(tried(size), maker.ids.items()):
        if not route.takes_ids or route.model in OPERATORS_ONLY or model not in (route.model or model,):
            continue
        clients = [signed_in, api_client] if hasattr(route.view, "cls") else [signed_in]
        for client, method in product(clients, METHODS[: size(2, len(METHODS))]):
            foreign, absent = (
                answer(send(client, method, route.address(model, one)), one) for one in (pk, uuid4())
            )
            counted["ids of a person"] += 2
            assert difference(foreign, absent) == [], (method, route.template)
            assert not foreign.mentions(victim)


@pytest.mark.parametrize("address", ["members/?user={}", "members/?user__email={}"])
def test_lists_of_the_maker_do_not_have_the_person(
    maker: Maker, victim: Party, signed_in: Client, address: str, counted: Counter[str]
):
    values = (maker.ids[User], uuid4()) if "email" not in address else (maker.email, "nobody@example.org")
    found, absent = (answer(signed_in.get(f"/api/v1/{address.format(one)}"), one) for one in values)
    counted["ids of a person"] += 2
    assert difference(found, absent) == [] and not found.mentions(victim)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_commands_of_the_maker_treat_the_person_as_absent(
    name: str, maker: Maker, victim: Party, tmp_path: Path, counted: Counter[str]
):
    arguments = [one for one in parser_of(name)._actions if one.dest not in GENERAL]
    naming = [one for one in arguments if one.type in (UUID, email_address)]
    usual = {
        one.dest: [*one.option_strings[:1], usual_value(one, tmp_path)] for one in arguments if one.required
    }
    for one in naming if isinstance(COMMANDS[name], TenantCommand) else []:
        for foreign, absent in _pairs(one, maker):
            output = [
                run(name, maker.owner.tenant_id, {**usual, one.dest: [*one.option_strings[:1], value]})
                for value in (foreign, absent)
            ]
            counted["ids of a person"] += 2
            assert output[0] == output[1], (one.dest, foreign)
            assert not mentions_victim(victim, output[0])


def _pairs(argument: Action, maker: Maker) -> list[tuple[str, str]]:
    if argument.type is email_address:
        return [(maker.email, f"{uuid4().hex}@example.org")]
    return [(str(pk), str(uuid4())) for pk in maker.ids.values()]
