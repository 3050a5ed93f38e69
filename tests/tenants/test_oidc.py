"""Signing in by an OpenID Connect provider, and what attackers try there."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from django.urls import reverse

from audit.models import PlatformEvent
from core.isolation.scope import platform_scope, tenant_scope
from core.oidc_provider import oidc_provider
from core.permissions import Role
from core.sessions import PASSWORD_ENTERED
from tenants.models import Membership, User
from tenants.services.members import remove_member, suspend_member
from tests.conftest import PASSWORD, Person, browser, make_member
from tests.support.oidc_provider import CLIENT, SECRET, Provider
from tests.tenants.links import join_page, link_for
from tests.tenants.members import code_of, membership_of, turned_on
from tests.tenants.oidc import (
    ACCOUNT,
    BEGIN,
    CALLBACK,
    CODE,
    INDEX,
    LOGIN,
    configured,
    is_,
    is_in,
    provider,
    refusal,
    sent_back,
    signed_on,
    verified,
)

__all__ = ["provider"]


def test_it_is_off_until_it_is_configured(owner: Person):
    assert Client().get(BEGIN).status_code == 404 and Client().get(CALLBACK).status_code == 404
    assert "Sign in by" not in Client().get(LOGIN).content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"issuer": "http://id.example.org"}, "https://"),
        ({"issuer": "id.example.org"}, "https://"),
        ({"client_secret": ""}, "OIDC_CLIENT_SECRET"),
        ({"domains": []}, "OIDC_DOMAINS"),
        ({"joins": ["example.org=Example"]}, "list_tenants"),
        ({"joins": [f"other.example={uuid4()}"]}, "other.example"),
    ],
)
def test_wrong_settings_are_refused_in_words(wrong: dict[str, Any], said: str):
    right = {"issuer": "https://id.example.org", "client_id": "a", "client_secret": "b", "label": "ID"}
    with pytest.raises(ImproperlyConfigured, match=said):
        oidc_provider(**{**right, "domains": ["example.org"], "joins": [], **wrong})


def test_a_member_signs_in(owner: Person, provider: Provider):
    is_(provider, owner.user.email.upper())
    assert "Sign in by Example ID" in Client().get(LOGIN).content.decode()
    client, page = signed_on(provider, next=ACCOUNT)
    assert page["Location"] == ACCOUNT and is_in(client)
    log = refusal_free_log(client)
    assert "signed in" in log
    with platform_scope():
        assert PlatformEvent.objects.filter(action="sign_on.linked", user_id=owner.user.pk).exists()


def refusal_free_log(client: Client) -> str:
    page = client.get(reverse("admin:audit_auditlog_changelist"))
    return re.sub(r"<[^>]+>|\s+", " ", page.content.decode())


def test_the_address_may_stand_in_the_userinfo_alone(owner: Person, provider: Provider):
    is_(provider, owner.user.email)
    provider.userinfo = dict(provider.claims)
    provider.token = {"email": None, "email_verified": None}
    assert is_in(signed_on(provider)[0])
    provider.userinfo["sub"] = "somebody else"
    assert not is_in(signed_on(provider)[0])


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email_verified": "true"},
        {"email": ""},
        {"email": None},
        {"email": "somebody@unknown.example"},
        {"email": "owner@elsewhere@example.org"},
        {"email": ["a", "b"]},
    ],
    ids=str,
)
def test_an_address_that_is_not_vouched_for_opens_nothing(
    owner: Person, provider: Provider, claims: dict[str, Any]
):
    is_(provider, owner.user.email, **claims)
    client, page = signed_on(provider)
    assert page["Location"] == LOGIN and not is_in(client)
    with platform_scope():
        assert PlatformEvent.objects.filter(action="sign_in.failed", payload_json__has_key="reason").exists()


def attack(name: str, provider: Provider) -> None:
    """What a hostile or mistaken provider, or a man in the middle, might answer."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if name == "unsigned":
        provider.signing = {"key": None, "algorithm": "none"}
    elif name == "signed with the secret":
        provider.signing = {"key": SECRET * 3, "algorithm": "HS256"}
    elif name == "signed by another key":
        provider.signing = {"key": other, "algorithm": "RS256"}
    elif name == "discovery of another issuer":
        provider.discovered = {"issuer": "https://evil.example"}
    else:
        tokens: dict[str, dict[str, Any]] = {
            "another nonce": {"nonce": "another"},
            "no nonce": {"nonce": None},
            "another issuer": {"iss": "https://evil.example"},
            "another client": {"aud": "another"},
            "for another party": {"aud": [CLIENT, "another"], "azp": "another"},
            "expired": {"exp": 1},
            "without an end": {"exp": None},
            "without a subject": {"sub": None},
            "of the future": {"iat": 99_999_999_999},
        }
        provider.token = tokens[name]


@pytest.mark.parametrize(
    "name",
    [
        "unsigned",
        "signed with the secret",
        "signed by another key",
        "another nonce",
        "no nonce",
        "another issuer",
        "another client",
        "for another party",
        "expired",
        "without an end",
        "without a subject",
        "of the future",
    ],
)
def test_a_wrong_token_opens_nothing(owner: Person, provider: Provider, name: str):
    is_(provider, owner.user.email)
    attack(name, provider)
    client, page = signed_on(provider)
    assert page["Location"] == LOGIN and not is_in(client)
    assert not SocialAccount.objects.filter(user=owner.user).exists()


def test_the_discovery_of_another_issuer_opens_nothing(owner: Person, provider: Provider):
    is_(provider, owner.user.email)
    attack("discovery of another issuer", provider)
    client = Client()
    assert client.get(BEGIN)["Location"] == LOGIN
    assert "calls itself otherwise" in refusal(client)


def test_a_provider_that_is_away_is_told(owner: Person, provider: Provider):
    with override_settings(
        OIDC=oidc_provider(
            issuer="http://127.0.0.1:9",
            client_id="a",
            client_secret="b",
            label="Example ID",
            domains=["example.org"],
            joins=[],
        )
    ):
        client = Client()
        assert client.get(BEGIN)["Location"] == LOGIN and "cannot be reached" in refusal(client)


def test_the_way_back_belongs_to_the_browser_that_began(owner: Person, provider: Provider):
    """Login CSRF: otherwise an attacker signs a victim in as the attacker, or uses an intercepted code."""
    is_(provider, owner.user.email)
    address = sent_back(Client(), provider)
    victim = Client()
    assert victim.get(address)["Location"] == LOGIN and not is_in(victim)
    victim.get(BEGIN)  # another state in the session
    assert victim.get(address)["Location"] == LOGIN and not is_in(victim)


def test_an_answer_works_once(owner: Person, provider: Provider):
    is_(provider, owner.user.email)
    client = Client()
    address = sent_back(client, provider)
    client.get(address)
    client.post(reverse("admin:logout"))
    assert client.get(address)["Location"] == LOGIN and not is_in(client)


@pytest.mark.parametrize("query", ["", "?state=x", "?state=x&code=y", "?error=access_denied&state=x"])
def test_odd_ways_back_are_refused(provider: Provider, query: str, owner: Person):
    assert Client().get(f"{CALLBACK}{query}")["Location"] == LOGIN


def test_an_answer_in_the_name_of_another_issuer_is_refused(owner: Person, provider: Provider):
    is_(provider, owner.user.email)
    client = Client()
    address = re.sub("iss=[^&]+", "iss=https%3A%2F%2Fevil.example", sent_back(client, provider))
    assert client.get(address)["Location"] == LOGIN and not is_in(client)


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_it_leads_to_no_other_host(owner: Person, provider: Provider, address: str):
    is_(provider, owner.user.email)
    _, page = signed_on(provider, next=address)
    assert page["Location"] == INDEX


def test_the_session_gets_another_key(owner: Person, provider: Provider):
    """Session fixation: an attacker who planted the session's key is not signed in with the victim."""
    is_(provider, owner.user.email)
    client = Client()
    address = sent_back(client, provider)
    before = client.cookies["sessionid"].value
    client.get(address)
    fixed = Client()
    fixed.cookies["sessionid"] = before
    assert is_in(client) and not is_in(fixed)


def test_somebody_without_an_account_gets_none(owner: Person, provider: Provider):
    is_(provider, email := f"{uuid4().hex}@example.org")
    client, _ = signed_on(provider)
    assert not is_in(client) and "Ask for an invitation" in refusal(client)
    assert not User.objects.filter(email=email).exists()


def test_operators_sign_in_with_their_password_only(operator: User, provider: Provider):
    is_(provider, operator.email)
    client, _ = signed_on(provider)
    assert not is_in(client) and "Operators sign in with their password" in refusal(client)


def test_accounts_that_are_switched_off_stay_so(owner: Person, provider: Provider):
    User.objects.filter(pk=owner.user.pk).update(is_active=False)
    is_(provider, owner.user.email)
    assert not is_in(signed_on(provider)[0])


def test_it_is_no_way_around_the_second_factor(owner: Person, provider: Provider):
    is_(provider, verified(owner).user.email)
    secret, _ = turned_on(owner.client)
    client, page = signed_on(provider, next=ACCOUNT)
    assert page["Location"] == CODE and not is_in(client)
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == ACCOUNT and is_in(client)


def test_another_account_of_the_provider_with_the_same_address_is_refused(owner: Person, provider: Provider):
    """An address may be given to another person when its owner has left."""
    is_(provider, verified(owner).user.email, sub="first")
    assert is_in(signed_on(provider)[0])
    is_(provider, owner.user.email, sub="second")
    client, _ = signed_on(provider)
    assert not is_in(client) and "had this address before" in refusal(client)


def test_an_operator_unlinks_an_account(owner: Person, provider: Provider, operator: User):
    is_(provider, verified(owner).user.email, sub="first")
    signed_on(provider)
    chosen = {"action": "unlink", "_selected_action": [str(owner.user.pk)]}
    browser(operator).post(reverse("admin:tenants_user_changelist"), chosen)
    is_(provider, owner.user.email, sub="second")
    assert is_in(signed_on(provider)[0])


def test_a_linked_account_keeps_its_person_when_its_address_changes(owner: Person, provider: Provider):
    is_(provider, verified(owner).user.email, sub="mine")
    signed_on(provider)
    stranger = make_member(owner.tenant_id, Role.VIEWER)
    is_(provider, stranger.user.email, sub="mine")
    client, _ = signed_on(provider)
    assert owner.user.email in client.get(ACCOUNT).content.decode()


def test_whoever_made_the_account_beforehand_loses_it(owner: Person, provider: Provider):
    """The password of an account with an unproved address may be known to the tenant that made it."""
    is_(provider, owner.user.email)
    before = owner.client
    assert is_in(before) and owner.user.email_verified_at is None
    client, _ = signed_on(provider)
    assert is_in(client) and not is_in(before)
    page = Client().post(LOGIN, {"username": owner.user.email, "password": PASSWORD})
    assert page.status_code == 200


def test_a_verified_account_keeps_its_password(owner: Person, provider: Provider):
    is_(provider, verified(owner).user.email)
    before = owner.client
    assert is_in(signed_on(provider)[0]) and is_in(before)


def test_people_of_a_named_domain_join_a_named_tenant(owner: Person, stranger: Person, provider: Provider):
    with configured(provider, f"joining.example={owner.tenant_id}"):
        is_(provider, email := f"{uuid4().hex}@joining.example")
        client, _ = signed_on(provider)
        assert is_in(client)
        user = User.objects.get(email=email)
        assert not user.is_superuser and user.email_verified_at and user.name == "Ada"
        with tenant_scope(owner.tenant_id):
            assert Membership.objects.get(user=user).role == Role.VIEWER
        with tenant_scope(stranger.tenant_id):
            assert not Membership.objects.filter(user=user).exists()
        assert "became a member" in refusal_free_log(owner.client)
        is_(provider, f"{uuid4().hex}@example.org")
        assert not is_in(signed_on(provider)[0])


def test_a_suspended_member_does_not_join_again(owner: Person, provider: Provider):
    with configured(provider, f"joining.example={owner.tenant_id}"):
        is_(provider, email := f"{uuid4().hex}@joining.example")
        client, _ = signed_on(provider)
        with tenant_scope(owner.tenant_id):
            membership = Membership.objects.get(user__email=email)
        suspend_member(actor=owner.actor, membership=membership)
        again, _ = signed_on(provider)
        assert not is_in(client) and not is_in(again)


def test_a_member_who_was_removed_signs_in_no_more(owner: Person, provider: Provider):
    member = verified(make_member(owner.tenant_id, Role.VIEWER))
    is_(provider, member.user.email)
    assert is_in(signed_on(provider)[0])
    remove_member(actor=owner.actor, membership=membership_of(member))
    assert not is_in(signed_on(provider)[0])


def test_without_passwords_members_sign_in_by_the_provider_only(
    owner: Person, operator: User, provider: Provider
):
    with configured(provider, OYL_PASSWORD_SIGN_IN=False):
        client = Client()
        page = client.post(LOGIN, {"username": owner.user.email, "password": PASSWORD})
        assert "Sign in by Example ID" in page.content.decode() and not is_in(client)
        link = link_for(owner, email := f"{uuid4().hex}@example.org")
        joined = Client()
        join_page(joined, link, name="A", new_password=PASSWORD, repeated_password=PASSWORD)
        assert not is_in(joined)
        is_(provider, email)
        assert is_in(signed_on(provider)[0])
        by_password = Client()
        by_password.post(LOGIN, {"username": operator.email, "password": PASSWORD})
        assert is_in(by_password)


def test_a_sign_in_long_ago_is_no_password_entered_now(owner: Person, provider: Provider):
    is_(provider, verified(owner).user.email, auth_time=1000)
    client, _ = signed_on(provider)
    assert client.session[PASSWORD_ENTERED] == 1000
    page = client.post(reverse("admin:tenants_invitation_add"), {"email": "x@example.org", "role": "viewer"})
    assert "Sign in again by Example ID" in page.content.decode()
    _, page = signed_on(provider, client, again="1", next=ACCOUNT)
    assert client.session[PASSWORD_ENTERED] == 1000
    is_(provider, owner.user.email, sub=provider.claims["sub"])
    _, page = signed_on(provider, client, again="1", next=ACCOUNT)
    assert page["Location"] == ACCOUNT and client.session[PASSWORD_ENTERED] > 1000
    is_(provider, owner.user.email, sub=provider.claims["sub"], auth_time=time.time() + 86_400)
    signed_on(provider, client, again="1")
    assert client.session[PASSWORD_ENTERED] <= time.time()  # the provider's clock is ahead


def test_signing_in_again_as_somebody_else_confirms_nothing(
    owner: Person, stranger: Person, provider: Provider
):
    is_(provider, verified(owner).user.email, auth_time=1000)
    client, _ = signed_on(provider)
    is_(provider, verified(stranger).user.email)
    signed_on(provider, client, again="1")
    assert client.session[PASSWORD_ENTERED] == 1000
    assert owner.user.email in client.get(ACCOUNT).content.decode()


def test_the_way_to_the_provider_asks_for_a_new_password(owner: Person, provider: Provider):
    asked = dict(parse_qsl(urlsplit(Client().get(BEGIN, {"again": "1"})["Location"]).query))
    assert asked["prompt"] == "login" and asked["max_age"] == "0" and asked["nonce"]
