"""Who acts, in which tenant, and by what right. Every service takes its actor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.errors import ForbiddenError
from core.permissions import Role, scope


class ActorKind(StrEnum):
    USER = "user"
    OPERATOR = "operator"
    API_KEY = "api_key"
    COMMAND = "command"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`credential` says what was shown: "session", an API key's prefix, a command's or task's name. An API key has its
    `scopes`, and may be bound to one object; None is for all others, whom only their role narrows."""

    kind: ActorKind
    tenant_id: UUID
    role: Role
    credential: str
    user_id: UUID | None = None
    request_id: str = ""
    scopes: frozenset[str] | None = None
    bound: tuple[str, UUID | None] | None = None

    def may(self, area: str, *, writes: bool) -> bool:
        """Whether the scopes open an area of the API. A scope to write includes reading."""
        enough = {scope(area, writes=True), scope(area, writes=writes)}
        return self.scopes is None or bool(self.scopes & enough)

    def require(self, role: Role) -> None:
        """Raises ForbiddenError unless the actor has at least this role."""
        if self.role.rank < role.rank:
            raise ForbiddenError(f"This needs the role '{role.value}'; yours is '{self.role.value}'.")


def command_actor(tenant_id: UUID, command: str) -> Actor:
    """An operator at the command line: whoever may run `manage.py` may do everything in the tenant that it names."""
    return Actor(kind=ActorKind.COMMAND, tenant_id=tenant_id, role=Role.OWNER, credential=command)


def system_actor(tenant_id: UUID, task: str) -> Actor:
    """OYL itself, at work in the background."""
    return Actor(kind=ActorKind.SYSTEM, tenant_id=tenant_id, role=Role.OWNER, credential=task)
