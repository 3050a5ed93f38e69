"""The admin pages of assistants, of teammates, which orchestrate them, and of published instructions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html

from assistants.admin.instructions import instructions_page
from assistants.findings import assistants_of, teammate_findings
from assistants.models import Assistant, Instruction, Teammate
from assistants.settings import setting_findings
from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, TenantForm, action, display


class AskedAdmin(AuditedAdmin):
    """Of whom one may ask on the chat page."""

    actions_detail = ["ask"]

    @action(description="Ask", url_path="ask", icon="chat", permissions=["view"])
    def ask(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if self.get_object(request, object_id) is None:
            return self.not_found_redirect(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:chat')}?pane={self.opts.model_name}:{object_id}")


def _link(view: str, pk: UUID, text: str) -> str:
    classes = "text-primary-600 dark:text-primary-500"
    return format_html('<a class="{}" href="{}">{}</a>', classes, reverse(view, args=[pk]), text)


@admin.register(Teammate)
class TeammateAdmin(AskedAdmin):
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "orchestration_config", "findings", "dry_run"]
    readonly_fields = ["findings", "dry_run"]

    @display(description="Try it")
    def dry_run(self, obj: Teammate) -> str:
        return "–" if obj._state.adding else _link("admin:who_would_answer", obj.pk, "Who would answer?")

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
class AssistantAdmin(AskedAdmin):
    form = AssistantForm
    list_display = ["name", "workspace", "teammate", "is_suspended", "updated_at"]
    list_select_related = ["workspace", "teammate"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace", "teammate"]
    ordering = ["name"]
    fields = [
        *("workspace", "teammate", "name", "description", "is_suspended"),
        *("instruction", "ai_instruction", "instructions", "settings_json", "findings"),
    ]
    readonly_fields = ["ai_instruction", "instructions", "findings"]

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(instructions_page)
        return [path("<uuid:pk>/instructions/", page, name="assistants_instructions"), *super().get_urls()]

    @display(description="Published")
    def instructions(self, obj: Assistant) -> str:
        """A link to the page that publishes the instruction."""
        text = "Publish, improve with AI, and history"
        return "–" if obj._state.adding else _link("admin:assistants_instructions", obj.pk, text)

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
