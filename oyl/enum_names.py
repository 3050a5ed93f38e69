"""The names in the OpenAPI document of enumerations that several objects have, or that would have the same name."""

ENUM_NAMES = {
    "DocumentStatusEnum": "knowledge.models.DocumentStatus",
    "JobStateEnum": "jobs.states.JobState",
    "IntegrationTypeEnum": "workspaces.models.IntegrationType",
    "MessageRoleEnum": ["user", "assistant"],
    "QuotaKindEnum": "core.quota_kinds.QuotaKind.values",
    "RoleEnum": "core.permissions.Role",
    "RunModeEnum": "knowledge.models.evaluation.RunMode",
    "TagSourceEnum": "knowledge.models.tags.SOURCES",
    "TriggerKindEnum": "workflows.models.TriggerKind",
    "WorkflowStepTypeEnum": "workflows.models.StepType",
}
