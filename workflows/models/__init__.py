"""The tables of workflows: their definitions, runs, approvals and triggers."""

from workflows.models.approvals import Approval, ApprovalState
from workflows.models.definitions import KEY_LENGTH, StepType, Workflow, WorkflowStep, WorkflowVersion
from workflows.models.runs import RunSignal, StartedBy, StepRun, WorkflowRun
from workflows.models.triggers import Trigger, TriggerEvent, TriggerKind

__all__ = [
    "KEY_LENGTH",
    "Approval",
    "ApprovalState",
    "RunSignal",
    "StartedBy",
    "StepRun",
    "StepType",
    "Trigger",
    "TriggerEvent",
    "TriggerKind",
    "Workflow",
    "WorkflowRun",
    "WorkflowStep",
    "WorkflowVersion",
]
