"""Workflows over REST."""

from workflows.api.approvals import ApprovalViewSet
from workflows.api.runs import WorkflowRunViewSet
from workflows.api.steps import WorkflowStepViewSet
from workflows.api.triggers import TriggerViewSet
from workflows.api.workflows import WorkflowViewSet

ROUTES = {
    "workflows": WorkflowViewSet,
    "workflow-steps": WorkflowStepViewSet,
    "workflow-runs": WorkflowRunViewSet,
    "triggers": TriggerViewSet,
    "approvals": ApprovalViewSet,
}
