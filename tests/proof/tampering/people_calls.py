"""One call of every service for suspended members, forgotten passwords and second factors."""

from __future__ import annotations

import time
from dataclasses import replace

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from core.actors import ActorKind
from core.permissions import Role
from tenants.access import tenants_of_user
from tenants.models import Membership, User
from tenants.second_factors import has_second_factor
from tenants.services import members, password_links, second_factors, sign_ins, users
from tests.proof.tampering.call_context import Call, CallContext

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


def tell_own_tenants(context: CallContext) -> Call:
    user = context.member().user
    return Call(make=lambda: sign_ins.tell_own_tenants(actor=context.operator, user=user, action="told"))


def tell_tenants(context: CallContext) -> Call:
    user = context.member().user
    tenants = tenants_of_user(user.pk)
    return Call(make=lambda: users.tell_tenants(context.operator, user, tenants))


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


def _user(context: CallContext) -> User:
    """Of no tenant."""
    return User.objects.create_user(f"{context.key}@example.org", context.name)


def _code(steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps)))
