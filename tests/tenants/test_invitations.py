"""Invitations: by link, accepted by the person, and without a secret that opens another tenant."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditLog
from core.errors import ConflictError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role, key_scopes
from tenants.access import tenants_of_user
from tenants.models import ApiKey, Invitation, Membership, User
from tenants.services.members import remove_member
from tests.conftest import PASSWORD, Person, accept, browser, make_member, make_owner
from tests.support.admin_pages import url
from tests.support.api_client import make_caller
from tests.support.passwords import authenticate
from tests.tenants.links import join_page, link_for

INDEX, LOGIN = reverse("admin:index"), reverse("admin:login")
THEIRS = "chosen by the tenant's admin"
OWN = "chosen by the person alone"


def address() -> str:
    return f"person-{uuid4().hex[:10]}@example.org"


def membership(tenant: Person, email: str) -> Membership | None:
    with tenant_scope(tenant.tenant_id):
        found: Membership | None = Membership.objects.filter(user__email=email).first()
        return found


def opens(client: Client, tenant: Person) -> bool:
    """Whether the browser's session may act in the tenant."""
    client.post(reverse("admin:switch_tenant"), {"tenant": str(tenant.tenant_id)})
    return client.get(INDEX).status_code == 200 and client.session.get("tenant_id") == str(tenant.tenant_id)


def test_new_person_chooses_name_and_password_and_enters(owner: Person):
    email, client = address(), Client()
    page = owner.client.post(url(Invitation, "add"), {"email": email.upper(), "role": "editor"}, follow=True)
    link = page.context["secret"].text
    assert membership(owner, email) is None and not User.objects.filter(email=email).exists()
    form = {"name": "Ada", "new_password": OWN, "repeated_password": OWN}
    assert (
        "The two passwords differ"
        in join_page(client, link, **{**form, "repeated_password": "x"}).content.decode()
    )
    assert (
        "too short"
        in join_page(client, link, name="Ada", new_password="a1b", repeated_password="a1b").content.decode()
    )
    page = join_page(client, link, **form)
    assert "You are a member of" in page.content.decode() and page.redirect_chain[-1][0] == INDEX
    found = membership(owner, email)
    assert found and found.role == Role.EDITOR and authenticate(username=email, password=OWN)
    with tenant_scope(owner.tenant_id):
        events = AuditLog.objects.filter(action__in=["invitation.created", "membership.created"])
        assert link.rpartition("/join/")[2].rstrip("/") not in str(list(events.values()))
        assert events.get(object_id=found.pk).user_id == found.user_id


def test_link_works_once_and_only_its_hash_is_stored(owner: Person):
    link, client = link_for(owner, email := address()), Client()
    token = link.rstrip("/").rpartition("/")[2]
    with tenant_scope(owner.tenant_id):
        assert token not in str(Invitation.objects.values())
    answers = [client.get(link), client.get("/join/")]
    assert token not in answers[0]["Location"] + answers[1].content.decode() + str(client.session.items())
    # With "no-referrer", browsers would send the form with "Origin: null", which Django refuses.
    assert [answer["Referrer-Policy"] for answer in answers] == ["no-referrer", "same-origin"]
    assert all("no-store" in answer["Cache-Control"] for answer in answers)
    accept(link)
    page = client.get("/join/")
    assert page.status_code == 404 and "does not work any more" in page.content.decode()
    assert join_page(Client(), link).status_code == 404 and membership(owner, email)


@pytest.mark.parametrize("end", ["expired", "revoked", "replaced", "unknown"])
def test_link_that_ended_opens_nothing(owner: Person, end: str):
    link = link_for(owner, email := address())
    with tenant_scope(owner.tenant_id):
        invitation = Invitation.objects.get(email=email)
        if end == "expired":
            Invitation.objects.filter(pk=invitation.pk).update(
                expires_at=timezone.now() - timedelta(seconds=1)
            )
    if end == "revoked":
        make_caller(owner)("delete", f"invitations/{invitation.pk}/")
    if end == "replaced":
        link_for(owner, email)
    if end == "unknown":
        link = f"{link[:-4]}xxx/"
    assert join_page(Client(), link).status_code == 404
    assert membership(owner, email) is None


def test_links_are_limited_per_address(owner: Person, settings: Any):
    settings.OYL_ADDRESS_REQUESTS = 3
    client = Client(REMOTE_ADDR=f"10.1.2.{uuid4().int % 256}")
    statuses = [client.get("/join/wrong/").status_code for _ in range(5)]
    assert 429 in statuses


def test_answer_is_the_same_whether_the_address_has_an_account(owner: Person, stranger: Person):
    caller = make_caller(owner)
    answers = [
        caller.post("invitations/", {"email": email}).json() for email in (stranger.user.email, address())
    ]
    assert answers[0].keys() == answers[1].keys()
    assert {name for name in answers[0] if answers[0][name] == answers[1][name]} == {
        "role",
        "by_mail",
        "mailed_at",
    }
    assert stranger.user.name not in str(answers) and str(stranger.user.pk) not in str(answers)


def test_member_is_not_invited_again(owner: Person, colleague: Person):
    response = make_caller(owner).post("invitations/", {"email": colleague.user.email})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_mailed_link_is_shown_to_nobody_and_verifies_the_address(owner: Person, settings: Any):
    settings.EMAIL_HOST = "mail.example.org"
    email = address()
    page = owner.client.post(url(Invitation, "add"), {"email": email, "role": "viewer"}, follow=True)
    link = next(word for word in mail.outbox[-1].body.split() if "/join/" in word)
    assert link not in page.content.decode() and "is being mailed" in page.content.decode()
    assert make_caller(owner).get("invitations/").json()["results"][0]["mailed_at"]
    assert accept(link).email_verified_at


def test_mail_that_cannot_be_sent_is_shown_in_the_list(owner: Person, settings: Any):
    settings.EMAIL_HOST, settings.EMAIL_BACKEND = "127.0.0.1", "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1  # nothing listens there
    page = owner.client.post(url(Invitation, "add"), {"email": address(), "role": "viewer"}, follow=True)
    assert page.status_code == 200 and "Not mailed" in page.content.decode()


def test_operators_and_deactivated_accounts_cannot_join(owner: Person, operator: User, stranger: Person):
    """A tenant that opens its own link sees the page that asks for the password, as for any account."""
    User.objects.filter(pk=stranger.user.pk).update(is_active=False)
    accounts = {operator.email: "correct horse battery staple", stranger.user.email: stranger.password}
    for email, password in accounts.items():
        link = link_for(owner, email)
        assert (
            "is not the present password"
            in join_page(Client(), link, current_password="a guess").content.decode()
        )
        page = join_page(Client(), link, current_password=password).content.decode()
        assert ("An operator becomes no member" if email == operator.email else "is not the present") in page
        assert membership(owner, email) is None


# The tenant that made the account. Alpha makes an account for a person's address and keeps what it has seen: the link, the
# password that it chose itself, and a session with it. None of these opens Beta, and nothing of Beta's opens Alpha.


def test_password_seen_by_the_first_tenant_opens_nothing_of_the_second(owner: Person, stranger: Person):
    alpha, beta, email = owner, stranger, address()
    accept(link_for(alpha, email), new_password=THEIRS)
    session = Client()
    account = authenticate(username=email, password=THEIRS)
    assert account
    session.force_login(account)
    assert opens(session, alpha)
    accept(link_for(beta, email, Role.OWNER), current_password=THEIRS, new_password=OWN)
    assert not opens(session, beta) and not opens(session, alpha)
    assert authenticate(username=email, password=THEIRS) is None
    assert len(tenants_of_user(User.objects.get(email=email).pk)) == 2


def test_link_of_the_second_tenant_opens_nothing_of_the_first(owner: Person, stranger: Person):
    """Beta uses its own link for the address of a member of Alpha."""
    alpha, beta, email = owner, stranger, address()
    accept(link_for(alpha, email, Role.OWNER), new_password=OWN)
    link = link_for(beta, email)
    for current in ("", THEIRS):
        with pytest.raises(InvalidError):
            accept(link, current_password=current, new_password=THEIRS)
    assert authenticate(username=email, password=THEIRS) is None
    assert authenticate(username=email, password=OWN) and membership(beta, email) is None


def test_account_of_a_removed_member_is_replaced_by_the_next_link(owner: Person, stranger: Person):
    """Before a tenant exists: Alpha invites its founder, keeps the password, and removes the member again."""
    alpha, beta, email = owner, stranger, address()
    user = accept(link_for(alpha, email), new_password=THEIRS)
    session = browser(user)
    found = membership(alpha, email)
    assert found
    remove_member(actor=alpha.actor, membership=found)
    accept(link_for(beta, email, Role.OWNER), new_password=OWN)
    assert authenticate(username=email, password=THEIRS) is None and not opens(session, beta)
    assert authenticate(username=email, password=OWN)


def test_keys_of_a_removed_member_stay_revoked_when_they_return(owner: Person):
    admin = make_member(owner.tenant_id, Role.ADMIN)
    caller = make_caller(admin)
    found = membership(owner, admin.user.email)
    assert found and caller.get("workspaces/").status_code == 200
    remove_member(actor=owner.actor, membership=found)
    accept(link_for(owner, admin.user.email, Role.ADMIN))
    assert caller.get("workspaces/").status_code == 401
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.get(pk=caller.key.api_key.pk).revoked_at


@pytest.mark.parametrize(
    "order", list(permutations(["A invites", "B invites", "A's link", "B's link", "A removes"], 5))
)
def test_no_order_lets_the_secrets_of_one_tenant_open_the_other(
    owner_pair: tuple[Person, Person], order: tuple[str, ...]
):
    """Alpha does all that it can with what it sees: it uses its own link, and tries its password everywhere. The person uses
    Beta's link, with their own password, whenever that is possible."""
    alpha, beta = owner_pair
    email, links = address(), {}
    for step in order:
        try:
            if step == "A invites":
                links["A"] = link_for(alpha, email)
            elif step == "B invites":
                links["B"] = link_for(beta, email, Role.OWNER)
            elif step == "A's link" and "A" in links:
                accept(links["A"], new_password=THEIRS, current_password=THEIRS)
            elif step == "B's link" and "B" in links:
                accept(links["B"], new_password=OWN, current_password=THEIRS)
            elif step == "A removes" and (found := membership(alpha, email)):
                remove_member(actor=alpha.actor, membership=found)
        except (ConflictError, InvalidError, NotFoundError):
            pass  # refused, which is as good
    if membership(beta, email):
        assert authenticate(username=email, password=THEIRS) is None
        assert authenticate(username=email, password=OWN)
    user = authenticate(username=email, password=THEIRS)
    assert user is None or {access.tenant_id for access in tenants_of_user(user.pk)} <= {alpha.tenant_id}


@pytest.fixture(scope="module")
def owner_pair(database: None) -> tuple[Person, Person]:
    return make_owner(), make_owner()


def test_verified_account_keeps_its_password(owner: Person, stranger: Person):
    User.objects.filter(pk=stranger.user.pk).update(email_verified_at=timezone.now())
    link, client = link_for(owner, stranger.user.email), sign_in(stranger.user.email, PASSWORD)
    page = join_page(Client(), link)
    assert list(page.context["form"].fields) == ["current_password"]
    page = join_page(Client(), link, current_password="wrong")
    assert "not the present password" in page.content.decode()
    accept(link, current_password=stranger.password)
    assert (
        authenticate(username=stranger.user.email, password=PASSWORD) and client.get(INDEX).status_code == 200
    )


# Where a sign-in leads.


def sign_in(email: str, password: str) -> Client:
    client = Client()
    assert client.post(LOGIN, {"username": email, "password": password}).status_code == 302
    return client


def test_sign_in_returns_to_the_tenant_entered_last(owner: Person, stranger: Person):
    email = owner.user.email
    sign_in(email, PASSWORD)
    accept(link_for(stranger, email, Role.EDITOR), current_password=PASSWORD)
    client = sign_in(email, PASSWORD)
    assert client.session["tenant_id"] == str(owner.tenant_id)
    assert opens(client, stranger)
    assert sign_in(email, PASSWORD).session["tenant_id"] == str(stranger.tenant_id)


def test_new_membership_is_never_entered_by_itself(owner: Person, stranger: Person):
    email, third = owner.user.email, make_owner()
    for tenant in (stranger, third):
        accept(link_for(tenant, email), current_password=PASSWORD)
    client = sign_in(email, PASSWORD)
    page = client.get(INDEX, follow=True)
    assert "In which organisation do you want to work?" in page.content.decode()
    assert client.get("/api/v1/workspaces/").status_code == 401 and opens(client, third)


# Keys.


def test_key_makes_nobody_who_may_do_more_than_itself(owner: Person, viewer: Person):
    reads = [name for name in key_scopes() if name.endswith(":read")]
    allowed = {("narrow", role): False for role in Role} | {
        ("reading", role): role is Role.VIEWER for role in Role
    }
    allowed |= {("full", role): role is not Role.OWNER for role in Role}
    callers = {
        "narrow": make_caller(owner, ["members:write", "organisation:write"]),
        "reading": make_caller(owner, [*reads, "members:write"]),
        "full": make_caller(owner),
    }
    found = membership(owner, viewer.user.email)
    assert found
    for (kind, role), is_allowed in allowed.items():
        invited = callers[kind].post("invitations/", {"email": address(), "role": role})
        promoted = callers[kind]("patch", f"members/{found.pk}/", {"role": role})
        assert (invited.status_code == 201, promoted.status_code == 200) == (is_allowed, is_allowed), (
            kind,
            role,
        )
        assert is_allowed or "link" not in invited.json()


def test_key_with_organisation_write_alone_reaches_no_people(owner: Person):
    caller = make_caller(owner, ["organisation:write"])
    for method, path in (("post", "invitations/"), ("get", "invitations/"), ("get", "members/")):
        response = caller(method, path, {"email": address(), "role": "owner"} if method == "post" else None)
        assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


def test_key_cannot_unmake_owners(owner: Person):
    second = make_member(owner.tenant_id, Role.OWNER)
    found = membership(owner, second.user.email)
    assert found
    caller = make_caller(owner)
    assert caller("delete", f"members/{found.pk}/").status_code == 403
    assert caller("patch", f"members/{found.pk}/", {"role": "viewer"}).status_code == 403


def test_repeated_request_does_not_show_the_link_again(owner: Person):
    caller, body = make_caller(owner), {"email": address()}
    first, second = (caller.post("invitations/", body, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json()["link"] and second.json()["link"] is None
