"""The admin pages of assistants, of teammates, which orchestrate them, and of published instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from assistants import orchestration, settings
from assistants.findings import assistants_of, teammate_findings
from assistants.models import Assistant, Instruction, Teammate
from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, action, display
from core.admin.object_forms import ObjectForm, object_fieldsets, object_form


class AskedAdmin(AuditedAdmin):
    """Of whom one may ask on the chat page. The JSON in `column` is written in a form that its schema describes."""

    form = ObjectForm
    column: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]
    sections: ClassVar[list[Any]]
    actions_detail = ["ask"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = object_form(
            self.form,
            column=self.column,
            schema=self.schema,
            value=getattr(obj, self.column, None) or {},
            workspace_id=getattr(obj, "workspace_id", None),
        )
        return super().get_form(request, obj, change, form=made, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Those who only read see the JSON."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if may_write:
            return [*self.sections, *object_fieldsets(self.column, self.schema, "findings")]
        return [*self.sections, (None, {"fields": [self.column, "findings"]})]

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
    column, schema = "orchestration_config", orchestration.SCHEMA
    sections = [(None, {"fields": ["workspace", "name", "dry_run"]})]
    readonly_fields = ["findings", "dry_run"]

    @display(description="Try it")
    def dry_run(self, obj: Teammate) -> str:
        return "–" if obj._state.adding else _link("admin:who_would_answer", obj.pk, "Who would answer?")

    @display(description="Findings", empty_value="–")
    def findings(self, obj: Teammate) -> str:
        return "" if obj._state.adding else "\n".join(teammate_findings(obj, assistants_of([obj])))


class AssistantForm(ObjectForm):
    def clean(self) -> dict[str, Any]:
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
    column, schema = "settings_json", settings.SCHEMA
    sections = [
        (None, {"fields": ["workspace", "teammate", "name", "description", "is_suspended"]}),
        ("Instruction", {"fields": ["instruction", "ai_instruction", "instructions"]}),
    ]
    readonly_fields = ["ai_instruction", "instructions", "findings"]

    @display(description="Published")
    def instructions(self, obj: Assistant) -> str:
        """A link to the page that publishes the instruction."""
        text = "Edit and try, publish, improve with AI, and history"
        return "–" if obj._state.adding else _link("admin:instructions", obj.pk, text)

    @display(description="Findings", empty_value="–")
    def findings(self, obj: Assistant) -> str:
        return "\n".join(settings.setting_findings(obj.settings_json))


@admin.register(Instruction)
class InstructionAdmin(ReadOnlyAdmin):
    """Written by publishing an assistant's instruction."""

    nothing_yet = "An instruction is written and published on the page of its assistant."
    list_display = ["assistant", "updated_at"]
    list_select_related = ["assistant"]
    search_fields = ["assistant__name"]
    ordering = ["assistant__name"]
    fields = ["assistant", "system_prompt", "updated_at"]
