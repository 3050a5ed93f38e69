"""Deciding on approvals."""

from __future__ import annotations

from django.utils import timezone

from audit.services import record
from core.actors import Actor
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workflows.engine.waking import end_wait, lock_run
from workflows.errors import RunStateError
from workflows.models import Approval, ApprovalState


def decide(approval: Approval, *, actor: Actor, approve: bool, comment: str = "") -> Approval:
    """Approve or reject, so that the run goes on. Raises ForbiddenError, and RunStateError if it is decided already."""
    require_right(approval, actor)
    with tenant_scope(actor.tenant_id):
        run = lock_run(approval.run_id)
        found = Approval.objects.select_for_update(no_key=True).get(pk=approval.pk)
        if found.state != ApprovalState.PENDING:
            raise RunStateError(f"This is decided already: {found.get_state_display().lower()}.")
        found.state = ApprovalState.APPROVED if approve else ApprovalState.REJECTED
        found.decided_by_id, found.decided_at, found.comment = actor.user_id, timezone.now(), comment
        found.full_clean(exclude=["step_run", "run", "tenant"])
        found.save()
        end_wait(found.step_run_id, {"approved": approve, "comment": comment, "by": str(actor.user_id or "")})
        record(
            actor=actor,
            action=f"approval.{found.state}",
            target=found,
            workspace_id=run.workflow.workspace_id,
            run=str(run.pk),
            comment=comment,
        )
    return found  # type: ignore[no-any-return]


def may_decide(approval: Approval, actor: Actor) -> bool:
    """Whether the actor has the role, and is one of the people, if some are named."""
    people = approval.user_ids_json
    return actor.role.rank >= Role(approval.role).rank and (not people or str(actor.user_id) in people)


def require_right(approval: Approval, actor: Actor) -> None:
    if not may_decide(approval, actor):
        raise ForbiddenError("Only the people or roles whom the step names may decide this.")
