"""Workflows by the names that people type."""

from __future__ import annotations

from uuid import UUID

from core.errors import ConflictError, NotFoundError
from core.isolation.scope import tenant_scope
from core.name_fields import as_uuid
from core.querysets import alive_above
from workflows.models import Workflow


def find_workflow(tenant_id: UUID, name_or_id: str) -> Workflow:
    """What could be read as an id is an id. Raises NotFoundError, and ConflictError when several have the name."""
    asked_id = as_uuid(name_or_id)
    with tenant_scope(tenant_id):
        rows = Workflow.objects.filter(alive_above(Workflow))
        found = list(rows.filter(pk=asked_id) if asked_id else rows.filter(name=name_or_id)[:10])
    if len(found) > 1:
        ids = ", ".join(str(workflow.pk) for workflow in found)
        raise ConflictError(f"Several workflows are named '{name_or_id}'. Give the id of one: {ids}.")
    if not found:
        raise NotFoundError(f"There is no workflow '{name_or_id}'.")
    workflow: Workflow = found[0]
    return workflow
