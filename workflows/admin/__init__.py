"""The admin pages of workflows, their triggers, runs and approvals."""

from workflows.admin.approvals import ApprovalAdmin
from workflows.admin.runs import WorkflowRunAdmin
from workflows.admin.triggers import TriggerAdmin
from workflows.admin.workflows import WorkflowAdmin

__all__ = ["ApprovalAdmin", "TriggerAdmin", "WorkflowAdmin", "WorkflowRunAdmin"]
