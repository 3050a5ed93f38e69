"""The admin pages of workflows with their steps, and of their runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, ReadOnlyInline, TenantInline
from jobs.admin import JobDisplay
from workflows.models import StepRun, Workflow, WorkflowRun, WorkflowStep


class StepInline(TenantInline):
    model = WorkflowStep
    fields = [
        "position", "key", "type_enum", "assistant", "instruction", "config_json", "on_error_json", "timeout_seconds"
    ]  # fmt: skip
    autocomplete_fields = ["assistant"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("assistant")


@admin.register(Workflow)
class WorkflowAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    inlines = [StepInline]


class StepRunInline(ReadOnlyInline):
    model = StepRun
    fields = ["number", "key", "type_enum", "state", "error_detail", "started_at", "finished_at"]
    ordering = ["number"]
    show_change_link = False


@admin.register(WorkflowRun)
class WorkflowRunAdmin(JobDisplay, ReadOnlyAdmin):
    list_display = ["workflow", "state_badge", "error_detail", "created_at", "finished_at"]
    list_select_related = ["workflow"]
    list_filter = ["state"]
    ordering = ["-created_at"]
    fields = [
        "workflow", "state", "input_json", "output_json", "error_code", "error_detail", "started_at", "finished_at"
    ]  # fmt: skip
    inlines = [StepRunInline]
