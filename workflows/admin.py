"""Workflows, their steps, and what their runs brought."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, ReadOnlyInline, TenantInline, display
from workflows.models import StepRun, Workflow, WorkflowRun, WorkflowStep

COLOURS = {"Done": "success", "Error": "danger", "Running": "info", "Pending": "default"}


class StepInline(TenantInline):
    model = WorkflowStep
    fields = ["position", "type_enum", "assistant", "instruction", "config_json"]
    autocomplete_fields = ["assistant"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None).select_related("assistant")


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
    fields = ["position", "status", "error_detail", "started_at", "finished_at"]
    ordering = ["position"]
    show_change_link = False


@admin.register(WorkflowRun)
class WorkflowRunAdmin(ReadOnlyAdmin):
    list_display = ["workflow", "state", "error_detail", "created_at", "finished_at"]
    list_select_related = ["workflow"]
    list_filter = ["status"]
    ordering = ["-created_at"]
    fields = [
        "workflow", "status", "input_json", "output_json", "error_code", "error_detail", "started_at", "finished_at"
    ]  # fmt: skip
    inlines = [StepRunInline]

    @display(description="State", ordering="status", label=COLOURS)
    def state(self, obj: WorkflowRun) -> str:
        return str(obj.get_status_display())
