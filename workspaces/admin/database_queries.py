"""The pages of the queries of databases that keep the rows of data sources."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import TenantForm, action, actor_of, show_domain_errors
from core.permissions import Role
from workspaces.data_sources.database_queries import check_query, delete_queries, run_query, save_query
from workspaces.models import DatabaseQuery, IntegrationConfig, IntegrationType


class DatabaseQueryForm(TenantForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "integration" in self.fields:
            rows = IntegrationConfig.objects.filter(type_enum=IntegrationType.DATABASE)
            self.fields["integration"].queryset = rows.order_by("name")  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                check_query(self.instance)
            except ValidationError as error:
                for name, found in error.message_dict.items():
                    self.add_error(name, found)


@admin.register(DatabaseQuery)
class DatabaseQueryAdmin(AuditedAdmin):
    write_role = Role.ADMIN
    form = DatabaseQueryForm
    list_display = ["data_source", "integration", "every_minutes", "updated_at"]
    list_select_related = ["data_source", "integration"]
    list_filter = [("data_source", AutocompleteSelectFilter)]
    search_fields = ["data_source__name"]
    search_help_text = "Search by the data source's name"
    autocomplete_fields = ["data_source"]
    ordering = ["data_source__name"]
    fields = ["data_source", "integration", "sql", "every_minutes"]
    actions_detail = ["run", "last_run"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["data_source"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_query(actor=actor_of(request), query=obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_queries(actor=actor_of(request), queries=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        delete_queries(actor=actor_of(request), queries=list(queryset))

    @action(description="Run now", url_path="run", icon="sync", permissions=["write"])
    @show_domain_errors
    def run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            return self.not_found_redirect(request, object_id)
        run_query(actor=actor_of(request), query_id=found.pk)
        messages.success(request, "It runs. This page shows when it is done.")
        return _to_import(found)

    @action(description="Last run", url_path="last-run", icon="history", permissions=["view"])
    @show_domain_errors
    def last_run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.get_object(request, object_id)
        return _to_import(found) if found else self.not_found_redirect(request, object_id)


def _to_import(query: DatabaseQuery) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:data_sources_import", args=[query.data_source_id]))
