"""The pages of integrations: the form follows from the type."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.admin import AuditedAdmin
from core.admin import action, actor_of, display, show_domain_errors
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.requests import opens_own_scopes
from workspaces.admin.integration_forms import field_names, form_of
from workspaces.integrations import KINDS, IntegrationKind
from workspaces.models import IntegrationConfig, IntegrationType
from workspaces.services.connection_tests import check_connection
from workspaces.services.connection_tests import list_models as models_of

MODELS_SHOWN = 100


@admin.register(IntegrationConfig)
class IntegrationConfigAdmin(AuditedAdmin):
    view_role = write_role = Role.ADMIN
    list_display = ["name", "type_enum", "workspace", "is_configured", "updated_at"]
    list_reads = ("config_encrypted_json",)
    list_select_related = ["workspace"]
    list_filter = ["type_enum"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    actions_detail = ["test_connection", "list_models"]

    @display(description="Configuration is stored", boolean=True)
    def is_configured(self, obj: IntegrationConfig) -> bool:
        return obj.config_encrypted_json is not None

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """First the type is chosen, then its form is filled in."""
        if request.method == "POST" or _kind_of(request):
            return super().add_view(request, *args, **kwargs)
        if not self.has_add_permission(request):
            return super().add_view(request, *args, **kwargs)
        context = {
            **self.admin_site.each_context(request),
            "title": "What do you want to connect?",
            "kinds": KINDS.values(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/workspaces/integration_types.html", context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kind = _kind_of(request, obj)
        return super().get_form(request, obj, change, form=form_of(kind, obj), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = _kind_of(request, obj)
        named = ["workspace", "name", "type_enum"]
        own = field_names(kind, obj) if kind else []
        as_json = {"fields": ["config_encrypted_json"], "classes": ["collapse"]}
        description = {"description": kind.purpose} if kind else {}
        return [
            (None, {"fields": named}),
            *([(kind.title, {"fields": own, **description})] if kind else []),
            ("All of it as JSON", as_json),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["type_enum"] if obj else [])]

    @action(description="Test connection", url_path="test", icon="network_check", permissions=["write"])
    @opens_own_scopes
    @show_domain_errors
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        outcome = check_connection(
            actor=actor_of(request), integration_id=self._visible_id(request, object_id)
        )
        show = messages.success if outcome.ok else messages.error
        show(request, outcome.detail)
        return _to_change_page(object_id)

    @action(description="List of models", url_path="models", icon="list", permissions=["list_models"])
    @opens_own_scopes
    @show_domain_errors
    def list_models(self, request: HttpRequest, object_id: str) -> HttpResponse:
        names = models_of(actor=actor_of(request), integration_id=self._visible_id(request, object_id))
        messages.info(request, f"The endpoint has: {', '.join(names[:MODELS_SHOWN])}.")
        return _to_change_page(object_id)

    def has_list_models_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The button is on the pages of chat models."""
        with tenant_scope(actor_of(request).tenant_id):
            shown = self.get_object(request, object_id) if object_id else None
        is_chat_model = shown is None or shown.type_enum == IntegrationType.CHAT_MODEL
        return is_chat_model and self.has_write_permission(request)

    def _visible_id(self, request: HttpRequest, object_id: str) -> UUID:
        with tenant_scope(actor_of(request).tenant_id):
            found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return cast(UUID, found.pk)


def _kind_of(request: HttpRequest, obj: Any = None) -> IntegrationKind | None:
    chosen = obj.type_enum if obj else request.POST.get("type_enum") or request.GET.get("type_enum", "")
    return KINDS.get(chosen)


def _to_change_page(object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:workspaces_integrationconfig_change", args=[object_id]))
