"""The pages of triggers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from audit.admin import AuditedAdmin
from core.admin import TenantForm, actor_of, display
from core.permissions import Role
from workflows.models import Trigger, TriggerKind
from workflows.services.triggers import delete_trigger, save_trigger
from workflows.triggers.configs import SCHEMAS
from workflows.triggers.webhooks import address_of, secret_of


def _explained() -> str:
    """What the configuration of each kind may have."""
    return " ".join(
        f"{TriggerKind(kind).label}: {', '.join(schema['properties'])}." for kind, schema in SCHEMAS.items()
    )


class TriggerForm(TenantForm):
    class Meta:
        help_texts = {"config_json": _explained()}


@admin.register(Trigger)
class TriggerAdmin(AuditedAdmin):
    """Only editors see them, because the address of a webhook starts runs."""

    view_role = Role.EDITOR
    form = TriggerForm
    list_display = ["name", "workflow", "kind", "is_enabled", "last_at", "next_at", "error_detail"]
    list_select_related = ["workflow"]
    list_reads = ("error_detail",)
    list_filter = ["kind", "is_enabled"]
    search_fields = ["name"]
    autocomplete_fields = ["workflow"]
    ordering = ["name"]
    fields = [
        *("workflow", "name", "kind", "is_enabled", "config_json"),
        *("webhook_url", "webhook_secret", "last_at", "next_at", "error_detail"),
    ]
    readonly_fields = ["webhook_url", "webhook_secret", "last_at", "next_at", "error_detail"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "workflow", "kind"] if obj else fields

    @display(description="Address of the webhook", empty_value="–")
    def webhook_url(self, obj: Trigger) -> str:
        return _secret(address_of(obj)) if _is_webhook(obj) else ""

    @display(description="Secret for signatures", empty_value="–")
    def webhook_secret(self, obj: Trigger) -> str:
        return _secret(secret_of(obj)) if _is_webhook(obj) else ""

    def save_model(
        self, request: HttpRequest, obj: Trigger, form: forms.ModelForm[Any], change: bool
    ) -> None:
        save_trigger(obj, actor=actor_of(request))

    def delete_model(self, request: HttpRequest, obj: Trigger) -> None:
        delete_trigger(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for trigger in queryset:
            delete_trigger(trigger, actor=actor_of(request))


def _is_webhook(trigger: Trigger) -> bool:
    return not trigger._state.adding and trigger.kind == TriggerKind.WEBHOOK


def _secret(text: str) -> str:
    return format_html('<code class="oyl-json">{}</code>', text)
