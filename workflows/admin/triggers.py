"""The pages of triggers: each kind has a form of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.html import format_html
from unfold.enums import ActionVariant

from audit.admin import AuditedAdmin
from core.admin import TenantForm, action, actor_of, display, redirect_or_htmx
from core.permissions import Role
from core.querysets import alive_above
from tenants.admin.show_once import show_once
from workflows.admin.config_field import ConfigField
from workflows.admin.schema_forms import SchemaForm, field_problems
from workflows.admin.shared import page, require_editor
from workflows.models import Trigger, TriggerKind, Workflow
from workflows.services.triggers import delete_trigger, replace_secret, save_trigger
from workflows.triggers.configs import PURPOSES, SCHEMAS, config_problems
from workflows.triggers.schedules import upcoming
from workflows.triggers.webhooks import address_of, secret_of

CONFIG = "config_json"
REPLACE = {
    "title": "Make a new address and a new secret?",
    "description": "Services that use the old ones start no more runs, until they have the new ones.",
}


class TriggerForm(TenantForm):
    """A new trigger has its workflow and kind from the page before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("workflow", "kind"):
            if name in self.fields:
                self.fields[name].widget = forms.HiddenInput()
        kind, workflow = self._kind_and_workflow()
        if CONFIG in self.fields and workflow and kind in SCHEMAS:
            label, facts = f"When it starts runs of “{workflow}”", shown(kind, self.instance)
            self.fields[CONFIG] = ConfigField(label, SCHEMAS[kind], workflow.workspace_id, **facts)

    def _kind_and_workflow(self) -> tuple[str, Workflow | None]:
        if not self.instance._state.adding:
            return self.instance.kind, self.instance.workflow
        given = self.data or self.initial
        return str(given.get("kind", "")), _workflow(str(given.get("workflow", "")))


@admin.register(Trigger)
class TriggerAdmin(AuditedAdmin):
    """Only editors see them, because the address of a webhook starts runs."""

    view_role = Role.EDITOR
    form = TriggerForm
    list_display = ["name", "workflow", "kind", "is_enabled", "last_at", "next_at", "error_detail"]
    list_select_related = ["workflow"]
    list_reads = ("error_detail",)
    list_filter = ["kind", "is_enabled"]
    search_fields = ["name", "workflow__name"]
    ordering = ["name"]
    readonly_fields = ["webhook_url", "last_at", "next_at", "error_detail"]
    actions_detail = ["new_secret"]

    class Media:
        css = {"all": ["oyl/workflows.css"]}
        js = [Script("oyl/workflows.js", defer=True), Script("oyl/copy.js", defer=True)]

    def get_urls(self) -> list[Any]:
        check = path(
            "check/<str:name>/", self.admin_site.admin_view(check_config), name="workflows_trigger_check"
        )
        return [check, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["workflow", "kind", "name", "is_enabled", CONFIG]
        address = ["webhook_url"] if obj.kind == TriggerKind.WEBHOOK else []
        return [
            "workflow",
            "kind",
            "name",
            "is_enabled",
            *address,
            CONFIG,
            "last_at",
            "next_at",
            "error_detail",
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "workflow", "kind"] if obj else fields

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        workflow, kind = _workflow(request.GET.get("workflow", "")), request.GET.get("kind", "")
        if request.method == "POST" or (workflow and kind in SCHEMAS):
            title = f"{TriggerKind(kind).label} for {workflow}" if kind in SCHEMAS else "Trigger"
            return super().add_view(request, form_url, {**(extra_context or {}), "title": title})
        require_editor(request)
        kinds = [(kind, kind.label, PURPOSES[kind]) for kind in TriggerKind]
        workflows = Workflow.objects.filter(alive_above(Workflow)).order_by("name")[:1000]
        return page(
            request, "trigger_add", "What starts it?", workflows=workflows, kinds=kinds, chosen=workflow
        )

    @display(description="Address of the webhook", empty_value="–")
    def webhook_url(self, obj: Trigger) -> str:
        return format_html(
            '<code class="oyl-json" id="oyl-address">{}</code> '
            '<button type="button" class="oyl-copy" data-copy="#oyl-address" hidden>Copy</button>',
            address_of(obj),
        )

    def save_model(
        self, request: HttpRequest, obj: Trigger, form: forms.ModelForm[Any], change: bool
    ) -> None:
        save_trigger(obj, actor=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Trigger, post_url_continue: Any = None) -> HttpResponse:
        if obj.kind == TriggerKind.WEBHOOK:
            return self._secret_page(request, obj)
        return super().response_add(request, obj, post_url_continue)

    @action(
        description="New address and secret",
        url_path="new-secret",
        icon="key",
        permissions=["secret"],
        variant=ActionVariant.DANGER,
        dialog=REPLACE,
    )
    def new_secret(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        trigger = self.get_object(request, object_id)
        if trigger is None:
            return self.not_found_redirect(request, object_id)
        replace_secret(trigger, actor=actor_of(request))
        return redirect_or_htmx(request, self._secret_page(request, trigger)["Location"])

    def has_secret_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only a webhook has a secret."""
        trigger = self.get_object(request, str(object_id)) if self.has_write_permission(request) else None
        return trigger is not None and trigger.kind == TriggerKind.WEBHOOK

    def delete_model(self, request: HttpRequest, obj: Trigger) -> None:
        delete_trigger(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for trigger in queryset:
            delete_trigger(trigger, actor=actor_of(request))

    def _secret_page(self, request: HttpRequest, trigger: Trigger) -> HttpResponse:
        advice = f"It signs requests as Standard Webhooks describes it. They go to {address_of(trigger)}"
        title = f"The webhook “{trigger.name}” is ready"
        label = "Secret for signatures"
        return show_once(self, request, title=title, label=label, text=secret_of(trigger), advice=advice)


def check_config(request: HttpRequest, name: str) -> JsonResponse:
    """What is wrong with a configuration of this kind as it was typed so far, and when a schedule would tick."""
    require_editor(request)
    form = SchemaForm(SCHEMAS.get(name, {}), {}, request.POST, prefix=CONFIG)
    found = [] if form.is_valid() else [*field_problems(form)]
    found = found or config_problems(name, form.config)
    ticks = upcoming(form.config, datetime.now(UTC)) if name == TriggerKind.SCHEDULE and not found else []
    return JsonResponse({"problems": found, "ticks": ticks})


def shown(kind: str, trigger: Trigger) -> dict[str, Any]:
    """What the form of a kind shows besides its fields."""
    is_schedule = kind == TriggerKind.SCHEDULE
    has_ticks = is_schedule and trigger.next_at is not None
    return {
        "kind": kind,
        "ticks": upcoming(trigger.config_json, datetime.now(UTC)) if has_ticks else [],
        "zones": sorted(available_timezones()) if is_schedule else [],
    }


def _workflow(pk: str) -> Workflow | None:
    try:
        found: Workflow | None = Workflow.objects.filter(alive_above(Workflow), pk=UUID(pk)).first()
    except ValueError:
        return None
    return found
