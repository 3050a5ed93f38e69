"""The admin's pages of data sources: uploads with a look at what was recognised, and the explorer."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin import AuditedAdmin
from core.admin import action, actor_of, display, has_role
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workspaces.data_sources import explorer, upload_pages
from workspaces.data_sources.schema import described
from workspaces.models import DatabaseQuery, DataSource


@admin.register(DataSource)
class DataSourceAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "rows", "last_import", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    search_help_text = "Search by name"
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    actions_list = ["upload"]
    actions_detail = ["explore", "upload_rows", "query_database", "last"]
    fields = ["workspace", "name", "description", "schema_json", "rows", "last_import"]
    readonly_fields = ["rows", "last_import"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("upload/", view(upload_pages.upload_page), name="data_sources_upload"),
            path("<uuid:pk>/import/", view(upload_pages.import_page), name="data_sources_import"),
            path("<uuid:pk>/explore/", view(explorer.explore_page), name="data_sources_explore"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Of columns that an import has made, only descriptions and units can be changed."""
        if change and obj.generation and "schema_json" in form.changed_data:
            with tenant_scope(actor_of(request).tenant_id):
                before = DataSource.objects.get(pk=obj.pk).schema_json
            obj.schema_json = described(before, obj.schema_json)
        super().save_model(request, obj, form, change)

    @display(description="Rows", ordering="row_count")
    def rows(self, obj: DataSource) -> SafeString:
        if not obj.generation:
            return format_html('<span class="text-subtle">none yet</span>')
        address = reverse("admin:data_sources_explore", args=[obj.pk])
        return format_html('<a class="oyl-link" href="{}">{}</a>', address, f"{obj.row_count:,}")

    @display(description="Last import")
    def last_import(self, obj: DataSource) -> SafeString | str:
        if obj.imported_at is None:
            return "–"
        address = reverse("admin:data_sources_import", args=[obj.pk])
        return format_html(
            '<a class="oyl-link" href="{}">{}</a>', address, date_format(obj.imported_at, "DATETIME_FORMAT")
        )

    @action(description="Upload a file", url_path="upload-file", icon="upload", permissions=["add"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:data_sources_upload"))

    @action(description="Explore", url_path="explore-rows", icon="table_view", permissions=["view"])
    def explore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:data_sources_explore", args=[object_id]))

    @action(description="Upload new rows", url_path="upload-rows", icon="upload", permissions=["change"])
    def upload_rows(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(f"{reverse('admin:data_sources_upload')}?source={object_id}")

    @action(description="Query a database", url_path="query-database", icon="database", permissions=["query"])
    def query_database(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self.get_object(request, object_id)
        if source is None:
            return self.not_found_redirect(request, object_id)
        if query := DatabaseQuery.objects.filter(data_source=source).first():
            return HttpResponseRedirect(reverse("admin:workspaces_databasequery_change", args=[query.pk]))
        address = reverse("admin:workspaces_databasequery_add")
        return HttpResponseRedirect(f"{address}?data_source={source.pk}")

    def has_query_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return has_role(request, Role.ADMIN)

    @action(description="Last import", url_path="last-import", icon="history", permissions=["view"])
    def last(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:data_sources_import", args=[object_id]))
