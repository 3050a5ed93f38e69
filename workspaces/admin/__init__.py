"""The admin pages of workspaces, integrations and data sources."""

from __future__ import annotations

from django.contrib import admin

from audit.admin import AuditedAdmin
from core.permissions import Role
from workspaces.admin.integrations import IntegrationConfigAdmin
from workspaces.models import DataSource, ModelPrice, Workspace

__all__ = ["DataSourceAdmin", "IntegrationConfigAdmin", "ModelPriceAdmin", "WorkspaceAdmin"]


@admin.register(Workspace)
class WorkspaceAdmin(AuditedAdmin):
    write_role = Role.ADMIN
    list_display = ["name", "description", "updated_at"]
    search_fields = ["name"]
    ordering = ["name"]


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
