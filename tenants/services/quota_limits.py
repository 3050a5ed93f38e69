"""Quotas of a tenant, its workspaces, API keys and members."""

from __future__ import annotations

from collections.abc import Sequence

from audit.services import save_audited, soft_delete_audited
from core.actors import Actor, ActorKind
from core.errors import ForbiddenError
from core.models import QuotaLimit
from core.permissions import Role
from core.recent_password import require_recent_password

OPERATORS = (ActorKind.OPERATOR, ActorKind.COMMAND)


def save_quota_limit(*, actor: Actor, limit: QuotaLimit) -> None:
    """Raises PasswordNeededError, and ForbiddenError below admin, and for a quota of the organisation, which only operators
    set."""
    _require_right(actor, [limit])
    save_audited(actor=actor, instance=limit, role=Role.ADMIN)


def delete_quota_limits(*, actor: Actor, limits: Sequence[QuotaLimit]) -> None:
    """For the organisation, those of the settings apply again. Raises ForbiddenError as `save_quota_limit`."""
    _require_right(actor, limits)
    soft_delete_audited(actor=actor, instances=limits, role=Role.ADMIN)


def _require_right(actor: Actor, limits: Sequence[QuotaLimit]) -> None:
    require_recent_password(actor)
    for limit in limits:
        is_whole = not (limit.workspace_id or limit.credential or limit.user_id)
        if is_whole and actor.kind not in OPERATORS:
            raise ForbiddenError(
                "Only operators set the quotas of the organisation. Choose a workspace, a key or a member."
            )
