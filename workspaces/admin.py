"""The admin pages of workspaces, integrations and data sources."""

from __future__ import annotations

from django.contrib import admin

from audit.admin import AuditedAdmin
from core.admin import display
from core.permissions import Role
from workspaces.models import DataSource, IntegrationConfig, Workspace


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

    @display(description="Configuration is stored", boolean=True)
    def is_configured(self, obj: IntegrationConfig) -> bool:
        return obj.config_encrypted_json is not None


@admin.register(DataSource)
class DataSourceAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "row_count", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "schema_json", "row_count"]
    readonly_fields = ["row_count"]
