"""The pages of webhooks and of what is delivered to them."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from audit.admin import AuditedAdmin
from core.admin import (
    ReadOnlyInline,
    TenantForm,
    UncountedAdmin,
    action,
    actor_of,
    display,
    show_domain_errors,
)
from core.admin.base import redirect_or_htmx
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.requests import opens_own_scopes
from jobs.admin import JobDisplay
from jobs.states import JobState
from tenants.admin.show_once import show_once
from webhooks import services
from webhooks.events import GROUPS
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription

ADVICE = (
    "Give it to the receiver, which checks with it that a message comes from OYL: docs/webhooks.md shows how."
)
ROTATE = {
    "title": "Make another secret?",
    "description": "For 24 hours messages are signed with both, so that the receiver can change over in this time.",
}
REPLAY = {"title": "Send this message again?", "description": "It has the same id as before."}
CANCEL = {
    "title": "Pass over this message?",
    "description": "The later ones are sent then, and this one is not.",
}


class SubscriptionForm(TenantForm):
    url = forms.CharField(
        max_length=2000,
        label="Address",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As https://example.org/hooks/oyl. It is stored encrypted and not shown again, because it may have a "
        "token. Later, leave this empty to keep it.",
    )
    events_json = forms.MultipleChoiceField(
        label="Events",
        choices=[(group, [(one, one) for one in types]) for group, types in GROUPS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance._state.adding and not data.get("url"):
            self.add_error("url", "Give the address to which the messages are sent.")
        return data


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(AuditedAdmin):
    view_role = write_role = Role.ADMIN
    form = SubscriptionForm
    list_display = ["name", "workspace", "host", "state", "last_success_at", "failing_since"]
    list_select_related = ["workspace"]
    list_reads = ("off_reason",)
    list_filter = ["is_enabled"]
    search_fields = ["name", "host"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    actions_detail = ["send_test", "deliveries", "rotate"]

    @display(description="State", label={"On": "success", "Failing": "warning", "Off": "danger"})
    def state(self, obj: WebhookSubscription) -> str:
        if not obj.is_enabled:
            return "Off"
        return "Failing" if obj.failing_since else "On"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        chosen = ["workspace", "name", "url", "events_json", "with_texts", "is_enabled"]
        return [*chosen, *self.readonly_shown] if obj else chosen

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(self.readonly_shown if obj else ())]

    readonly_shown = ("host", "off_reason", "failing_since", "last_success_at")

    def save_model(
        self, request: HttpRequest, obj: WebhookSubscription, form: forms.ModelForm[Any], change: bool
    ) -> None:
        url = form.cleaned_data.get("url", "")
        secret = services.save_subscription(actor=actor_of(request), subscription=obj, url=url)
        request.one_time_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._shown_once(request, obj, request.one_time_secret)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if secret := getattr(request, "one_time_secret", ""):
            return self._shown_once(request, obj, secret)
        return super().response_change(request, obj)

    def _shown_once(self, request: HttpRequest, obj: Any, secret: str) -> HttpResponse:
        title = f"The secret of the webhook “{obj.name}”"
        return show_once(self, request, title=title, label="Secret", text=secret, advice=ADVICE)

    @action(description="Send test", url_path="test", icon="network_check", permissions=["write"])
    @opens_own_scopes
    @show_domain_errors
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        actor = actor_of(request)
        with tenant_scope(actor.tenant_id):
            found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        attempt = services.send_test(actor=actor, subscription_id=cast(UUID, found.pk))
        if attempt.succeeded:
            sentence = f"The receiver took the test: status {attempt.status}, {attempt.milliseconds} ms."
            messages.success(request, sentence)
        else:
            messages.error(request, attempt.error_detail)
        return HttpResponseRedirect(_address("webhooksubscription_change", object_id))

    @action(description="Deliveries", url_path="deliveries", icon="list", permissions=["write"])
    def deliveries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(f"{_address('webhookdelivery_changelist')}?subscription={object_id}")

    @action(
        description="Make another secret", url_path="rotate", icon="key", permissions=["write"], dialog=ROTATE
    )
    @show_domain_errors
    def rotate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        secret = services.rotate_secret(actor=actor_of(request), subscription=found)
        return redirect_or_htmx(request, self._shown_once(request, found, secret)["Location"])


def _address(name: str, *args: Any) -> str:
    return reverse(f"admin:webhooks_{name}", args=args)


ATTEMPT_COLUMNS = (
    "created_at",
    "milliseconds",
    "status",
    "error_detail",
    "request_headers_json",
    "response_headers_json",
    "response_text",
)


class AttemptInline(ReadOnlyInline):
    model = WebhookAttempt
    fields = ATTEMPT_COLUMNS
    readonly_fields = ATTEMPT_COLUMNS
    ordering = ["-created_at"]
    show_change_link = False


DELIVERY_FIELDS = (
    *("subscription", "type", "number", "happened_at", "state_badge", "data_json"),
    *("attempt", "next_attempt", "finished_at", "error_detail"),
)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(JobDisplay, UncountedAdmin):
    """What was sent, and what came back."""

    view_role = Role.ADMIN
    list_display = [
        "type",
        "number",
        "subscription",
        "state_badge",
        "attempt",
        "error_detail",
        "happened_at",
        "finished_at",
    ]
    list_select_related = ["subscription"]
    list_reads = ("error_detail",)
    list_filter = ["state", "type", "subscription"]
    ordering = ["-created_at"]
    fields = DELIVERY_FIELDS
    readonly_fields = DELIVERY_FIELDS
    inlines = [AttemptInline]
    actions = ["replay_selected"]
    actions_detail = ["replay", "cancel"]

    @display(description="Next attempt")
    def next_attempt(self, obj: WebhookDelivery) -> Any:
        return obj.available_at if obj.state == JobState.QUEUED else None

    def has_admin_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    @admin.action(description="Send the selected messages again", permissions=["admin"])
    def replay_selected(self, request: HttpRequest, queryset: models.QuerySet[WebhookDelivery]) -> None:
        for delivery in queryset.order_by("number"):
            services.replay(actor=actor_of(request), delivery=delivery)
        self.message_user(request, "The messages will be sent again.")

    @action(description="Replay", url_path="replay", icon="replay", permissions=["admin"], dialog=REPLAY)
    @show_domain_errors
    def replay(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        delivery = self._visible(request, object_id)
        services.replay(actor=actor_of(request), delivery=delivery)
        messages.success(request, "The message will be sent again.")
        return redirect_or_htmx(request, _address("webhookdelivery_change", object_id))

    @action(
        description="Pass over",
        url_path="cancel",
        icon="block",
        permissions=["admin"],
        variant=ActionVariant.DANGER,
        dialog=CANCEL,
    )
    @show_domain_errors
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        delivery = self._visible(request, object_id)
        services.cancel(actor=actor_of(request), delivery=delivery)
        messages.success(request, "The message is passed over.")
        return redirect_or_htmx(request, _address("webhookdelivery_change", object_id))

    def _visible(self, request: HttpRequest, object_id: str) -> WebhookDelivery:
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return cast(WebhookDelivery, found)
