"""The admin pages of assistants, of teammates, which orchestrate them, and of published instructions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError

from assistants.findings import assistants_of, teammate_findings
from assistants.models import Assistant, Instruction, Teammate
from assistants.settings import setting_findings
from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, TenantForm, display


@admin.register(Teammate)
class TeammateAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "orchestration_config", "findings"]
    readonly_fields = ["findings"]

    @display(description="Findings", empty_value="–")
    def findings(self, obj: Teammate) -> str:
        return "" if obj._state.adding else "\n".join(teammate_findings(obj, assistants_of([obj])))


class AssistantForm(TenantForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        teammate = self.cleaned_data.get("teammate")
        workspace = self.cleaned_data.get("workspace") or getattr(self.instance, "workspace", None)
        if teammate and workspace and teammate.workspace_id != workspace.pk:
            raise ValidationError({"teammate": "This teammate is in another workspace."})
        return cleaned


@admin.register(Assistant)
class AssistantAdmin(AuditedAdmin):
    form = AssistantForm
    list_display = ["name", "workspace", "teammate", "is_suspended", "updated_at"]
    list_select_related = ["workspace", "teammate"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace", "teammate"]
    ordering = ["name"]
    fields = [
        *("workspace", "teammate", "name", "description", "is_suspended"),
        *("instruction", "ai_instruction", "settings_json", "findings"),
    ]
    readonly_fields = ["ai_instruction", "findings"]

    @display(description="Findings", empty_value="–")
    def findings(self, obj: Assistant) -> str:
        return "\n".join(setting_findings(obj.settings_json))


@admin.register(Instruction)
class InstructionAdmin(ReadOnlyAdmin):
    """Written by publishing an assistant's instruction."""

    list_display = ["assistant", "updated_at"]
    list_select_related = ["assistant"]
    search_fields = ["assistant__name"]
    ordering = ["assistant__name"]
    fields = ["assistant", "system_prompt", "updated_at"]
