"""The admin pages of workspaces, integrations and data sources."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.admin import AuditedAdmin
from core.admin import action, actor_of, display, show_domain_errors
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.requests import opens_own_scopes
from workspaces.models import DataSource, IntegrationConfig, ModelPrice, Workspace
from workspaces.services.connection_tests import check_connection
from workspaces.services.connection_tests import list_models as models_of

MODELS_SHOWN = 100


@admin.register(Workspace)
class WorkspaceAdmin(AuditedAdmin):
    write_role = Role.ADMIN
    list_display = ["name", "description", "updated_at"]
    search_fields = ["name"]
    ordering = ["name"]


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
    fields = ["workspace", "name", "type_enum", "config_encrypted_json", "is_configured"]
    readonly_fields = ["is_configured"]
    actions_detail = ["test_connection", "list_models"]

    @display(description="Configuration is stored", boolean=True)
    def is_configured(self, obj: IntegrationConfig) -> bool:
        return obj.config_encrypted_json is not None

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

    @action(description="List of models", url_path="models", icon="list", permissions=["write"])
    @opens_own_scopes
    @show_domain_errors
    def list_models(self, request: HttpRequest, object_id: str) -> HttpResponse:
        names = models_of(actor=actor_of(request), integration_id=self._visible_id(request, object_id))
        messages.info(request, f"The endpoint has: {', '.join(names[:MODELS_SHOWN])}.")
        return _to_change_page(object_id)

    def _visible_id(self, request: HttpRequest, object_id: str) -> UUID:
        with tenant_scope(actor_of(request).tenant_id):
            found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return cast(UUID, found.pk)


def _to_change_page(object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:workspaces_integrationconfig_change", args=[object_id]))


@admin.register(DataSource)
class DataSourceAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "row_count", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "schema_json", "row_count"]
    readonly_fields = ["row_count"]


@admin.register(ModelPrice)
class ModelPriceAdmin(AuditedAdmin):
    view_role = write_role = Role.ADMIN
    list_display = ["model", "valid_from", "prompt_price", "completion_price", "currency"]
    search_fields = ["model"]
    ordering = ["model", "-valid_from"]
    fields = ["model", "valid_from", "prompt_price", "completion_price", "currency"]
