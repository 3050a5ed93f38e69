"""What the organisation that made an account, another one, or an earlier holder tries in order to sign in as its person."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from core.actors import ActorKind, PlatformActor
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.sessions import PASSWORD_ENTERED
from tenants.access import access_by_key
from tenants.models import Membership, User
from tenants.second_factors import has_second_factor
from tenants.services.api_keys import create_api_key
from tenants.services.members import remove_member, resume_member, sign_out_member, suspend_member
from tenants.services.oidc_sign_ins import unlink
from tenants.services.password_links import make_member_link
from tenants.services.sign_ins import revoke_keys_of
from tenants.services.users import save_user
from tests.conftest import Person, make_member
from tests.support.oidc_provider import CLIENT, Provider
from tests.support.passwords import authenticate
from tests.tenants.links import choose_by_link, join_page, link_for
from tests.tenants.members import TURN_ON, code_of, membership_of, turned_on
from tests.tenants.oidc import CODE, LOGIN, is_, is_in, provider, signed_on, verified

__all__ = ["provider"]

CHOSEN = "chosen by the attacker 1"


def operator_actor(operator: User) -> PlatformActor:
    return PlatformActor(
        kind=ActorKind.OPERATOR,
        credential="session",
        user_id=operator.pk,
        password_entered_at=int(time.time()),
    )


@pytest.fixture
def suspended(owner: Person) -> Person:
    """A member who is away for a time."""
    member = make_member(owner.tenant_id, Role.ADMIN)
    suspend_member(actor=owner.actor, membership=membership_of(member))
    return member


def joined(person: Person, tenant: Person) -> Membership:
    with tenant_scope(tenant.tenant_id):
        return Membership.objects.create(user=person.user, role=Role.VIEWER)  # type: ignore[no-any-return]


def test_another_organisation_does_not_choose_the_password_of_a_suspended_member(
    suspended: Person, stranger: Person
):
    join_page(
        Client(), link_for(stranger, suspended.user.email), new_password=CHOSEN, repeated_password=CHOSEN
    )
    assert authenticate(username=suspended.user.email, password=CHOSEN) is None


def test_another_organisation_gets_no_link_for_a_suspended_member(suspended: Person, stranger: Person):
    with pytest.raises(ConflictError, match="not only your organisation's"):
        make_member_link(actor=stranger.actor, membership=joined(suspended, stranger))


def test_another_organisation_does_not_sign_out_a_suspended_member(suspended: Person, stranger: Person):
    with pytest.raises(ConflictError, match="not only your organisation's"):
        sign_out_member(actor=stranger.actor, membership=joined(suspended, stranger))


def test_keys_end_with_the_password_where_the_person_is_suspended(owner: Person):
    """Otherwise they would work again as soon as the person is let in."""
    member = make_member(owner.tenant_id, Role.ADMIN)
    key = create_api_key(actor=member.actor, name="K", scopes=["knowledge:read"]).secret
    suspend_member(actor=owner.actor, membership=membership_of(member))
    revoke_keys_of(actor=PlatformActor(kind=ActorKind.USER, credential="session"), user=member.user)
    resume_member(actor=owner.actor, membership=membership_of(member))
    assert access_by_key(key) is None


def test_another_person_finds_no_factors_of_whoever_had_the_account(owner: Person, stranger: Person):
    """An unproved account that no organisation uses any more is its first holder's no more."""
    member = make_member(owner.tenant_id, Role.ADMIN)
    turned_on(member.client)
    remove_member(actor=owner.actor, membership=membership_of(member))
    person = Client()
    join_page(person, link_for(stranger, member.user.email), new_password=CHOSEN, repeated_password=CHOSEN)
    assert is_in(person) and not has_second_factor(member.user.pk)


def test_the_provider_proves_an_address_and_ends_the_factors_of_others(owner: Person, provider: Provider):
    turned_on(owner.client)
    is_(provider, owner.user.email)
    assert is_in(signed_on(provider)[0])


def test_each_sign_in_by_the_provider_ends_a_password_that_an_organisation_may_know(
    owner: Person, provider: Provider
):
    """A link that was not mailed was shown in the organisation, and leads to a password for what the person joins later."""
    member = verified(make_member(owner.tenant_id, Role.VIEWER))
    is_(provider, member.user.email)
    signed_on(provider)
    link = make_member_link(actor=owner.actor, membership=membership_of(member))
    choose_by_link(str(link), CHOSEN)
    assert authenticate(username=member.user.email, password=CHOSEN)
    signed_on(provider)
    assert authenticate(username=member.user.email, password=CHOSEN) is None


def test_who_was_unlinked_is_signed_out(owner: Person, provider: Provider, operator: User):
    """The address, and with it the account, may be another person's from now on."""
    is_(provider, verified(owner).user.email)
    client, _ = signed_on(provider)
    unlink(actor=operator_actor(operator), user=User.objects.get(pk=owner.user.pk))
    assert not is_in(client)


def test_letters_that_become_others_in_lower_case_open_no_account(owner: Person, provider: Provider):
    local, _, domain = owner.user.email.partition("@")
    User.objects.filter(pk=owner.user.pk).update(email=f"k{local}@{domain}")
    is_(provider, f"\N{KELVIN SIGN}{local}@{domain}")
    assert not is_in(signed_on(provider)[0])


def test_a_token_for_several_parties_has_to_name_this_client(owner: Person, provider: Provider):
    is_(provider, owner.user.email, sub="mine")
    provider.token = {"aud": [CLIENT, "another"]}
    assert not is_in(signed_on(provider)[0])
    provider.token["azp"] = CLIENT
    assert is_in(signed_on(provider)[0])


def test_the_second_factor_makes_no_old_sign_in_new(owner: Person, provider: Provider):
    secret, _ = turned_on(verified(owner).client)
    is_(provider, owner.user.email, auth_time=1000)
    client, _ = signed_on(provider)
    client.post(CODE, {"code": code_of(secret)})
    assert is_in(client) and client.session[PASSWORD_ENTERED] == 1000


def test_whoever_planted_a_session_does_not_enter_the_code(owner: Person):
    turned_on(owner.client)
    victim, attacker = Client(), Client()
    attacker.cookies["sessionid"] = planted(victim)
    victim.post(LOGIN, {"username": owner.user.email, "password": owner.password})
    assert victim.get(CODE).status_code == 200 and attacker.get(CODE)["Location"] == LOGIN


def planted(client: Client) -> str:
    session = client.session
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    return str(session.session_key)


def test_the_code_that_adds_the_app_does_not_sign_in(owner: Person):
    client = owner.client
    secret, code = client.get(TURN_ON).context["secret"], ""
    client.post(TURN_ON, {"code": (code := code_of(secret))})
    again = Client()
    again.post(LOGIN, {"username": owner.user.email, "password": owner.password})
    again.post(CODE, {"code": code})
    assert not is_in(again)


def test_a_new_address_is_not_proved_by_the_old_one(owner: Person, operator: User):
    user = verified(owner).user
    user.email = f"new-{user.email}"
    save_user(actor=operator_actor(operator), user=user)
    assert User.objects.get(pk=user.pk).email_verified_at is None
