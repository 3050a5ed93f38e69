"""The inbox of approvals."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core.admin import ReadOnlyAdmin, actor_of, display
from workflows.admin.shared import Attempt, page
from workflows.models import Approval, ApprovalState
from workflows.services.approvals import decide, may_decide

COLOURS = {
    str(ApprovalState.PENDING.label): "info",
    str(ApprovalState.APPROVED.label): "success",
    str(ApprovalState.REJECTED.label): "danger",
    str(ApprovalState.EXPIRED.label): "warning",
    str(ApprovalState.CANCELLED.label): "default",
}


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ["asked", "state_badge", "workflow", "due_at", "created_at"]
    list_select_related = ["run__workflow"]
    list_reads = ("question",)
    list_filter = ["state"]
    ordering = ["-created_at"]

    @display(description="Question")
    def asked(self, obj: Approval) -> str:
        return str(obj)

    @display(description="State", ordering="state", label=COLOURS)
    def state_badge(self, obj: Approval) -> str:
        return str(ApprovalState(obj.state).label)

    @display(description="Workflow")
    def workflow(self, obj: Approval) -> str:
        return str(obj.run.workflow.name)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        approval = self.get_object(request, object_id)
        if approval is None or not self.has_view_permission(request):
            return self.not_found_redirect(request, object_id)
        actor = actor_of(request)
        if request.method == "POST":
            if not may_decide(approval, actor):
                raise PermissionDenied
            approve = request.POST.get("do") == "approve"
            with Attempt(request, "The run goes on with your decision."):
                decide(approval, actor=actor, approve=approve, comment=request.POST.get("comment", ""))
            return HttpResponseRedirect(reverse("admin:workflows_approval_change", args=[approval.pk]))
        shown = approval.shown_json
        return page(
            request,
            "approval",
            f"Approval: {approval.run.workflow}",
            approval=approval,
            shown=shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, indent=2),
            has_shown=shown is not None,
            label=ApprovalState(approval.state).label,
            is_pending=approval.state == ApprovalState.PENDING,
            may_decide=may_decide(approval, actor),
        )
