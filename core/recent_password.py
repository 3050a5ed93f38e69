"""What only people may do who have entered their password a short time ago, so that an unlocked computer or a stolen session
changes neither people, keys nor secrets. Keys and commands have no password: scopes and the shell restrict them."""

from __future__ import annotations

import time

from core.actors import Actor, ActorKind, PlatformActor
from core.errors import ForbiddenError

MINUTES = 15
PEOPLE = (ActorKind.USER, ActorKind.OPERATOR)


class PasswordNeededError(ForbiddenError):
    """This needs your password again, because you entered it more than 15 minutes ago. Enter it at
    /admin/confirm-password/, and repeat this."""


def require_recent_password(actor: Actor | PlatformActor) -> None:
    """Raises PasswordNeededError."""
    if actor.kind in PEOPLE and time.time() - actor.password_entered_at > MINUTES * 60:
        raise PasswordNeededError
