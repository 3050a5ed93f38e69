"""Who may give a role to a person, and take it away."""

from __future__ import annotations

from core.actors import Actor
from core.errors import ForbiddenError
from core.permissions import Role, key_scopes
from core.recent_password import require_recent_password


def role_over(*roles: Role) -> Role:
    """The least role that may give and take these roles: admins all but owner, owners all. The lookup function
    `oyl_invitation` has the same rule."""
    return Role.OWNER if Role.OWNER in roles else Role.ADMIN


def require_rank_over(actor: Actor, *roles: Role) -> None:
    """Raises ForbiddenError unless the actor may take these roles away, a key never an owner's; and PasswordNeededError."""
    actor.require(role_over(*roles))
    require_recent_password(actor)
    if actor.scopes is not None and Role.OWNER in roles:
        raise ForbiddenError("A key cannot make or unmake owners. Sign in to do this.")


def require_may_appoint(actor: Actor, role: Role) -> None:
    """Raises ForbiddenError as `require_rank_over`, and when the actor is a key that lacks scopes: for a viewer all that
    read, otherwise all. Whoever makes people could become them."""
    require_rank_over(actor, role)
    needed = [name for name in key_scopes() if role is not Role.VIEWER or name.endswith(":read")]
    split = [name.partition(":") for name in needed]
    lacking = ["".join(each) for each in split if not actor.may(each[0], writes=each[2] == "write")]
    if lacking:
        raise ForbiddenError(
            f"A key can only make people who may do no more than itself. It lacks: {', '.join(lacking)}."
        )
