"""Whom an OpenID Connect provider signs in: docs/decisions/0046-oidc.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from audit.platform import record_platform
from audit.services import record
from core.actors import Actor, ActorKind, PlatformActor
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import tenant_named
from core.permissions import Role
from core.recent_password import require_recent_password
from tenants.access import hash_secret, tenants_of_user
from tenants.models import Membership, User
from tenants.oidc import Claims, configured
from tenants.services.members import event_values
from tenants.services.second_factors import end_factors_of_others
from tenants.services.users import tell_tenants


def account_for(*, claims: Claims, request_id: str) -> User:
    """The account of the person, who is a member already, or becomes one where OIDC_JOIN says so. Raises ForbiddenError."""
    domain = _vouched_domain(claims)
    joined = configured().joins.get(domain)
    tenant_id = tenant_named(str(joined)) if joined else None
    with _scope(tenant_id):
        user = _linked(claims) or _with_address(claims, may_be_new=bool(tenant_id))
        _require_ordinary(user)
        _link(user, claims, request_id)
        if user.email_verified_at is None:
            _end_access_of_others(user, request_id)
        if tenant_id:
            _join(user, tenant_id, request_id)
        if not tenants_of_user(user.pk):
            raise ForbiddenError("Your account does not belong to an organisation. Ask for an invitation.")
    return user


@contextmanager
def _scope(tenant_id: UUID | None) -> Iterator[None]:
    with tenant_scope(tenant_id) if tenant_id else transaction.atomic():
        yield


def _vouched_domain(claims: Claims) -> str:
    """Raises ForbiddenError."""
    label, domains = configured().label, configured().domains
    domain = claims.email.rpartition("@")[2]
    if not (domain and claims.is_verified):
        raise ForbiddenError(
            f"{label} does not say that your e-mail address is verified, so it proves nothing."
        )
    if not {domain, "*"} & domains:
        raise ForbiddenError(f"{label} may not sign in addresses of {domain} here.")
    return domain


def _linked(claims: Claims) -> User | None:
    """Who has signed in with this account of the provider before, whatever its address is now."""
    rows = SocialAccount.objects.select_related("user").filter(
        provider=configured().issuer, uid=hash_secret(claims.subject)
    )
    link = rows.first()
    return link.user if link else None


def _with_address(claims: Claims, *, may_be_new: bool) -> User:
    """Raises ForbiddenError."""
    user = User.objects.select_for_update().filter(email=claims.email).first()
    if user:
        return user
    if not may_be_new:
        raise ForbiddenError(f"No account here has the address {claims.email}. Ask for an invitation.")
    new = User(email=claims.email, name=claims.name[:255], email_verified_at=timezone.now())
    try:
        new.full_clean()
    except ValidationError as error:
        raise ForbiddenError(" ".join(error.messages)) from error
    new.set_unusable_password()
    new.save()
    return new


def _require_ordinary(user: User) -> None:
    """Raises ForbiddenError."""
    if user.is_superuser:
        raise ForbiddenError("Operators sign in with their password.")
    if not user.is_active:
        raise ForbiddenError("This account is switched off. Ask an administrator of your organisation.")


def _link(user: User, claims: Claims, request_id: str) -> None:
    """From now on, this account of the provider is the person, and no other one of the same address. Raises
    ForbiddenError."""
    issuer, uid = configured().issuer, hash_secret(claims.subject)
    links = SocialAccount.objects.filter(user=user, provider=issuer)
    if links.filter(uid=uid).exists():
        return
    if links.exists():
        raise ForbiddenError(
            "Another account of the provider had this address before. Ask an operator to unlink it."
        )
    SocialAccount.objects.create(user=user, provider=issuer, uid=uid)
    record_platform(actor=_actor(user, request_id), action="sign_on.linked", target=user)


def _end_access_of_others(user: User, request_id: str) -> None:
    """Whoever made the account, or a link for it that was not mailed, may know its password, or have added a second
    factor."""
    user.email_verified_at = timezone.now()
    user.set_unusable_password()
    user.save()
    end_factors_of_others(actor=_actor(user, request_id), user=user)


def _join(user: User, tenant_id: UUID, request_id: str) -> None:
    """A suspended member stays suspended."""
    if Membership.objects.filter(user=user).exists():
        return
    membership = Membership.objects.create(user=user, role=Role.VIEWER)
    actor = Actor(
        kind=ActorKind.USER,
        tenant_id=tenant_id,
        role=Role.VIEWER,
        credential="oidc",
        user_id=user.pk,
        request_id=request_id,
    )
    record(actor=actor, action="membership.created", target=membership, new=event_values(membership))


def unlink(*, actor: PlatformActor, user: User) -> None:
    """The next account of the provider with the person's address is linked. Raises ForbiddenError unless the actor is an
    operator, and PasswordNeededError."""
    actor.require_operator()
    require_recent_password(actor)
    with transaction.atomic():
        user.sessions_ended_at = timezone.now()  # the account may be another person's from now on
        user.save(update_fields=["sessions_ended_at"])
        # Without Django's search in the table of tokens, which is closed, and empty.
        SocialAccount.objects.filter(user=user)._raw_delete(DEFAULT_DB_ALIAS)
        record_platform(actor=actor, action="sign_on.unlinked", target=user)
        tell_tenants(actor, user)


def record_refused_sign_on(*, claims: Claims | None, reason: str, request_id: str, address: str) -> None:
    actor = PlatformActor(kind=ActorKind.USER, credential="oidc", request_id=request_id)
    email = claims.email if claims else ""
    record_platform(actor=actor, action="sign_in.failed", email=email, address=address, reason=reason)


def _actor(user: User, request_id: str) -> PlatformActor:
    return PlatformActor(kind=ActorKind.USER, credential="oidc", user_id=user.pk, request_id=request_id)
