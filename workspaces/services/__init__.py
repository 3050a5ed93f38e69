"""The services for workspaces."""

from __future__ import annotations

from typing import cast

from django.db import IntegrityError, transaction

from audit.services import record
from core.actors import Actor
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workspaces.models import Workspace


class WorkspaceExistsError(ConflictError):
    """There is a workspace of this name already."""


def create_workspace(*, actor: Actor, name: str, description: str = "") -> Workspace:
    """Raises WorkspaceExistsError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        try:
            with transaction.atomic():
                workspace: Workspace = Workspace.objects.create(name=name, description=description)
        except IntegrityError as error:
            raise WorkspaceExistsError(f"There is a workspace named '{name}' already.") from error
        record(
            actor=actor,
            action="workspace.created",
            target=workspace,
            workspace_id=workspace.pk,
            new={"name": name},
        )
    return workspace


def get_or_create_workspace(*, actor: Actor, name: str) -> Workspace:
    with tenant_scope(actor.tenant_id):
        if found := Workspace.objects.filter(name=name).first():
            return cast(Workspace, found)
        try:
            return create_workspace(actor=actor, name=name)
        except WorkspaceExistsError:  # created by another request meanwhile
            return cast(Workspace, Workspace.objects.get(name=name))
