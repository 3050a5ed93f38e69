"""Links to choose a new password, for people who have forgotten theirs: docs/decisions/0042-forgotten-passwords.md."""

from __future__ import annotations

from threading import Thread

from django.db import connections, transaction

from audit.platform import record_platform
from audit.services import record
from core.actors import Actor, ActorKind, PlatformActor
from core.errors import ConflictError, NotFoundError
from core.failed_attempts import Subject, failed_attempts
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.access import every_tenant_of
from tenants.mail import can_mail, mail
from tenants.models import Membership, User
from tenants.roles import require_rank_over
from tenants.services.users import make_link_token, password_link

# Links that are mailed to one address within an hour, before the next has to wait.
FREE_LINKS = 3
TEXT = """\
Somebody, probably you, wants to choose a new password for OYL. Open this link to do so. It works once, within 7 days.

{link}

If it was not you, ignore this mail: your password stays as it is.
"""


def request_password_link(*, email: str, request_id: str) -> Thread:
    """Mail a link to the person with this address, if there is one who may have one. Neither the answer nor its time tells:
    a thread does it."""
    thread = Thread(target=_mail_if_known, args=[email.strip().lower(), request_id], daemon=True)
    thread.start()
    return thread


def _mail_if_known(email: str, request_id: str) -> None:
    try:
        user = User.objects.filter(email=email, is_active=True, is_superuser=False).first()
        if user is None or failed_attempts().begin(Subject("forgotten", email, FREE_LINKS)).wait:
            return
        actor = PlatformActor(kind=ActorKind.USER, credential="forgotten", request_id=request_id)
        record_platform(actor=actor, action="password.link_mailed", target=user)
        _mail_link(user)
    finally:
        connections.close_all()


def _mail_link(user: User) -> bool:
    text = TEXT.format(link=password_link(user, make_link_token(user)))
    return mail("A new password for OYL", text, user.email)


def make_member_link(*, actor: Actor, membership: Membership) -> str | None:
    """Mail the member a link to choose a password (None), or return it where OYL sends no mail. The present password works
    until another is chosen. Raises ForbiddenError as `require_rank_over`, and ConflictError where the person has to ask an
    operator: a link that the tenant sees must open nothing but the tenant."""
    with tenant_scope(actor.tenant_id):
        found = Membership.objects.select_related("user").filter(pk=membership.pk).first()
        if found is None:
            raise NotFoundError("They are no member any more.")
        require_rank_over(actor, Role(found.role))
        user, by_mail = found.user, can_mail()
        _refuse_accounts_of_others(actor, user, by_mail=by_mail)
        record(actor=actor, action="member.password_link_made", target=found, by_mail=by_mail)
        if by_mail:
            transaction.on_commit(lambda: _mail_link(user))
            return None
        # Those who saw the link may know the password: the person chooses another one before they join a further tenant.
        user.email_verified_at = None
        user.save(update_fields=["email_verified_at"])
        return password_link(user, make_link_token(user))


def _refuse_accounts_of_others(actor: Actor, user: User, *, by_mail: bool) -> None:
    """Raises ConflictError."""
    if user.is_superuser or not user.is_active:
        raise ConflictError("Only an operator can help with this account.")
    if not by_mail and every_tenant_of(user.pk) - {actor.tenant_id}:
        raise ConflictError(
            "This account is not only your organisation's, and OYL sends no mail here. Ask an operator for a link."
        )
