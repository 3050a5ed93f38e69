"""One call of every service for suspended members, forgotten passwords and second factors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.test import RequestFactory, override_settings

from core.actors import ActorKind
from core.oidc_provider import oidc_provider
from core.permissions import Role
from core.sessions import SessionStore, session_id
from tenants import passkeys
from tenants.models import Membership, SavedView, User
from tenants.oidc import Claims
from tenants.second_factors import has_second_factor
from tenants.services import (
    members,
    oidc_sign_ins,
    password_links,
    saved_views,
    second_factors,
    sign_ins,
    users,
)
from tests.proof.tampering.call_context import Call, CallContext
from tests.support.passkeys import SecurityKey

OIDC = oidc_provider(
    issuer="https://id.example.org",
    client_id="oyl",
    client_secret="secret",
    label="Example ID",
    domains=["*"],
    joins=[],
)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def suspend_member(context: CallContext) -> Call:
    member = context.member()
    return Call(
        make=lambda: members.suspend_member(actor=context.actor, membership=member),
        is_done=context.has(Membership, pk=member.pk, suspended_at__isnull=False),
    )


def resume_member(context: CallContext) -> Call:
    member = context.member()
    members.suspend_member(actor=replace(context.actor, role=Role.OWNER), membership=member)
    return Call(
        make=lambda: members.resume_member(actor=context.actor, membership=member),
        is_done=context.has(Membership, pk=member.pk, suspended_at=None),
    )


def make_member_link(context: CallContext) -> Call:
    member = context.member()
    return Call(make=lambda: password_links.make_member_link(actor=context.actor, membership=member))


def request_password_link(context: CallContext) -> Call:
    """Of nobody, which is no event."""
    email = f"{context.key}@example.org"
    return Call(
        make=lambda: password_links.request_password_link(email=email, request_id="").join(), events=0
    )


def end_sessions(context: CallContext) -> Call:
    user = _user(context)
    return Call(
        make=lambda: sign_ins.end_sessions(actor=context.operator, user=user),
        is_done=lambda: User.objects.filter(pk=user.pk, sessions_ended_at__isnull=False).exists(),
    )


def end_session(context: CallContext) -> Call:
    user, store = _user(context), SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store.create()
    name = str(session_id(store.session_key))
    return Call(
        make=lambda: sign_ins.end_session(actor=context.operator, user=user, of_session=name),
        is_done=lambda: not store.exists(store.session_key),
    )


def sign_out_member(context: CallContext) -> Call:
    member = context.member()
    ended = User.objects.filter(pk=member.user_id, sessions_ended_at__isnull=False)
    return Call(
        make=lambda: members.sign_out_member(actor=context.actor, membership=member), is_done=ended.exists
    )


def account_for(context: CallContext) -> Call:
    """Of a member, whose account of the provider is linked."""
    user = context.member().user

    def make() -> None:
        with override_settings(OIDC=OIDC):
            oidc_sign_ins.account_for(claims=_claims(user), request_id="")

    return Call(make=make, is_done=SocialAccount.objects.filter(user=user).exists)


def record_refused_sign_on(context: CallContext) -> Call:
    claims = _claims(_user(context))
    return Call(
        make=lambda: oidc_sign_ins.record_refused_sign_on(
            claims=claims, reason="Not today.", request_id="", address=""
        )
    )


def unlink(context: CallContext) -> Call:
    user = _user(context)
    row = SocialAccount.objects.create(user=user, provider="https://id.example.org", uid=context.key)
    return Call(
        make=lambda: oidc_sign_ins.unlink(actor=context.operator, user=user),
        is_done=lambda: not SocialAccount.objects.filter(pk=row.pk).exists(),
    )


def _claims(user: User) -> Claims:
    return Claims(subject=str(user.pk), email=user.email, is_verified=True, name="", signed_in_at=0)


def tell_own_tenants(context: CallContext) -> Call:
    user = context.member().user
    return Call(make=lambda: sign_ins.tell_own_tenants(actor=context.operator, user=user, action="told"))


def sign_out_user(context: CallContext) -> Call:
    user = _user(context)
    ended = User.objects.filter(pk=user.pk, sessions_ended_at__isnull=False)
    return Call(make=lambda: users.sign_out_user(actor=context.operator, user=user), is_done=ended.exists)


def tell_tenants(context: CallContext) -> Call:
    user = context.member().user
    return Call(make=lambda: users.tell_tenants(context.operator, user))


def turn_on(context: CallContext) -> Call:
    user = _user(context)
    return Call(
        make=lambda: second_factors.turn_on(actor=context.operator, user=user, secret=SECRET, code=_code()),
        is_done=lambda: has_second_factor(user.pk),
    )


def turn_off(context: CallContext) -> Call:
    user = _user(context)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return Call(
        make=lambda: second_factors.turn_off(actor=context.operator, user=user),
        is_done=lambda: not has_second_factor(user.pk),
    )


def end_factors_of_others(context: CallContext) -> Call:
    user = _user(context)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return Call(
        make=lambda: second_factors.end_factors_of_others(actor=context.operator, user=user),
        is_done=lambda: not has_second_factor(user.pk),
    )


def make_recovery_codes(context: CallContext) -> Call:
    user = _user(context)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return Call(
        make=lambda: second_factors.make_recovery_codes(actor=context.operator, user=user),
        is_done=lambda: Authenticator.objects.filter(user=user, type="recovery_codes").exists(),
    )


def enter_code(context: CallContext) -> Call:
    """A right one is no event: the sign-in is."""
    user = _user(context)
    actor = replace(context.operator, kind=ActorKind.USER, user_id=user.pk)
    second_factors.turn_on(actor=replace(context.operator), user=user, secret=SECRET, code=_code(-1))
    return Call(
        make=lambda: second_factors.enter_code(actor=actor, user=user, code=_code(), address=""), events=0
    )


def add_passkey(context: CallContext) -> Call:
    user = _user(context)
    return Call(
        make=lambda: _add_passkey(context, user, SecurityKey("https://testserver")),
        is_done=lambda: has_second_factor(user.pk),
    )


def enter_passkey(context: CallContext) -> Call:
    """A right one is no event: the sign-in is."""
    user, key = _user(context), SecurityKey("https://testserver")
    _add_passkey(context, user, key)

    def make() -> None:
        with _browser():
            answer = key.use(passkeys.options_to_use(user))
            second_factors.enter_passkey(actor=context.operator, user=user, answer=answer, address="")

    return Call(make=make, events=0)


def remove_factor(context: CallContext) -> Call:
    user = _user(context)
    row = Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return Call(
        make=lambda: second_factors.remove_factor(actor=context.operator, user=user, factor_id=row.pk),
        is_done=lambda: not has_second_factor(user.pk),
    )


def _add_passkey(context: CallContext, user: User, key: SecurityKey) -> None:
    with _browser():
        answer = key.register(passkeys.options_to_register(user))
        second_factors.add_passkey(actor=context.operator, user=user, name="Key", answer=answer)


@contextmanager
def _browser() -> Iterator[None]:
    """A request, in whose session challenges wait."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    with request_context(request):
        yield


def _user(context: CallContext) -> User:
    """Of no tenant."""
    return User.objects.create_user(f"{context.key}@example.org", context.name)


def _code(steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps)))


def save_view(context: CallContext) -> Call:
    _member_of(context)
    return Call(
        make=lambda: saved_views.save_view(
            actor=context.actor, of_list="knowledge.document", name=context.name, query="", is_shared=False
        ),
        is_done=context.has(SavedView, name=context.name),
    )


def delete_view(context: CallContext) -> Call:
    member = _member_of(context)
    view = context.add(
        lambda: SavedView.objects.create(membership=member, list="knowledge.document", name=context.name)
    )
    return Call(
        make=lambda: saved_views.delete_view(actor=context.actor, view=view.pk),
        is_done=context.lacks(SavedView, pk=view.pk),
    )


def _member_of(context: CallContext) -> Membership:
    """The actor's own membership."""
    member: Membership = context.add(lambda: Membership.objects.get(user=context.actor.user_id))
    return member
