"""Who acts, in which tenant and with which rights. Every service takes an actor."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """`credential` is "session", an API key's prefix, or a command's or task's name. An API key has `scopes`, and may be
    `bound` to one object; both are None for all other actors, whom only their role restricts. `made_by` is the prefix of the
    key that made the key, if any; `run_id` is the run of a workflow in which it acts. Neither `request_id` nor
    `password_entered_at`, a person's (seconds since 1970), changes who they are."""

    kind: ActorKind
    tenant_id: UUID
    role: Role
    credential: str
    user_id: UUID | None = None
    request_id: str = field(default="", compare=False)
    scopes: frozenset[str] | None = None
    bound: tuple[str, UUID | None] | None = None
    made_by: str = ""
    run_id: UUID | None = None
    password_entered_at: int = field(default=0, compare=False)

    def may_scope(self, wanted: str) -> bool:
        """Whether the scopes include one."""
        area, _, access = wanted.partition(":")
        return self.may(area, writes=access == "write")

    @property
    def caller(self) -> str:
        """The API key, or the person in any of their sessions."""
        return str(self.user_id) if self.scopes is None else self.credential

    @property
    def counted_as(self) -> str:
        """Whose requests and uses are counted together: those of a key with those of all keys that it made."""
        return self.made_by or self.caller

    def may(self, area: str, *, writes: bool) -> bool:
        """Whether the scopes allow an area of the API. A scope to write includes reading."""
        enough = {scope(area, writes=True), scope(area, writes=writes)}
        return self.scopes is None or bool(self.scopes & enough)

    def require(self, role: Role) -> None:
        """Raises ForbiddenError unless the actor has at least this role."""
        if self.role.rank < role.rank:
            raise ForbiddenError(f"This needs the role '{role.value}'; yours is '{self.role.value}'.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformActor:
    """Who acts outside of every tenant: an operator, a command, OYL itself, or a person who signs in. `credential` as of an
    `Actor`."""

    kind: ActorKind
    credential: str
    user_id: UUID | None = None
    request_id: str = ""
    password_entered_at: int = field(default=0, compare=False)

    def require_operator(self) -> None:
        """Raises ForbiddenError."""
        if self.kind not in (ActorKind.OPERATOR, ActorKind.COMMAND):
            raise ForbiddenError("Only operators do this.")

    def inside(self, tenant_id: UUID) -> Actor:
        """The same in a tenant, where an operator may do what an owner may."""
        return Actor(
            kind=self.kind,
            tenant_id=tenant_id,
            role=Role.OWNER,
            credential=self.credential,
            user_id=self.user_id,
            request_id=self.request_id,
            password_entered_at=self.password_entered_at,
        )


def command_actor(tenant_id: UUID, command: str) -> Actor:
    """An operator at the command line, who may do everything in the tenant."""
    return Actor(kind=ActorKind.COMMAND, tenant_id=tenant_id, role=Role.OWNER, credential=command)


def system_actor(tenant_id: UUID, task: str) -> Actor:
    """OYL itself, in a background task."""
    return Actor(kind=ActorKind.SYSTEM, tenant_id=tenant_id, role=Role.OWNER, credential=task)
