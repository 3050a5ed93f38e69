"""Assistants, the teammates that orchestrate them, and what is really sent to the model."""

from __future__ import annotations

from django.contrib import admin

from assistants.models import Assistant, Instruction, Teammate
from audit.admin import AuditedAdmin
from tenants.admin import ReadOnlyAdmin


@admin.register(Teammate)
class TeammateAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]


@admin.register(Assistant)
class AssistantAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "teammate", "updated_at"]
    list_select_related = ["workspace", "teammate"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace", "teammate"]
    ordering = ["name"]
    fields = ["workspace", "teammate", "name", "instruction", "ai_instruction", "settings_json"]
    readonly_fields = ["ai_instruction"]


@admin.register(Instruction)
class InstructionAdmin(ReadOnlyAdmin):
    """Written by publishing an assistant's instruction."""

    list_display = ["assistant", "updated_at"]
    list_select_related = ["assistant"]
    search_fields = ["assistant__name"]
    ordering = ["assistant__name"]
    fields = ["assistant", "system_prompt", "updated_at"]
