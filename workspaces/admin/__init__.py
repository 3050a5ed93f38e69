"""The admin pages of workspaces, integrations and data sources."""

from __future__ import annotations

from django.contrib import admin

from audit.admin import AuditedAdmin
from core.permissions import Role
from workspaces.admin.data_sources import DataSourceAdmin
from workspaces.admin.database_queries import DatabaseQueryAdmin
from workspaces.admin.integrations import IntegrationConfigAdmin
from workspaces.models import ModelPrice, Workspace

__all__ = [
    "DataSourceAdmin",
    "DatabaseQueryAdmin",
    "IntegrationConfigAdmin",
    "ModelPriceAdmin",
    "WorkspaceAdmin",
]


@admin.register(Workspace)
class WorkspaceAdmin(AuditedAdmin):
    write_role = Role.ADMIN
    list_display = ["name", "description", "updated_at"]
    search_fields = ["name"]
    ordering = ["name"]


@admin.register(ModelPrice)
class ModelPriceAdmin(AuditedAdmin):
    view_role = write_role = Role.ADMIN
    list_display = ["model", "valid_from", "prompt_price", "completion_price", "currency"]
    search_fields = ["model"]
    ordering = ["model", "-valid_from"]
    fields = ["model", "valid_from", "prompt_price", "completion_price", "currency"]
