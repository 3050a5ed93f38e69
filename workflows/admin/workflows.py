"""The pages of workflows: settings, steps, versions, and starting a run."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from audit.admin import AuditedAdmin
from core.admin import action
from workflows.admin import adding, starting, step_editor, steps, versions
from workflows.models import Workflow


@admin.register(Workflow)
class WorkflowAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "description", "updated_at"]
    list_select_related = ["workspace"]
    list_reads = ("description",)
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "description", "input_schema_json", "output_schema_json"]
    actions_list = ["examples"]
    actions_detail = ["edit_steps", "start", "versions"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("add-example/", view(adding.add_page), name="workflows_add_example"),
            path("<uuid:pk>/steps/", view(steps.steps_page), name="workflows_steps"),
            path("<uuid:pk>/steps/add/", view(step_editor.step_page), name="workflows_step_add"),
            path("<uuid:pk>/steps/<uuid:step>/", view(step_editor.step_page), name="workflows_step"),
            path("<uuid:pk>/check/", view(step_editor.check), name="workflows_check"),
            path("<uuid:pk>/versions/", view(versions.versions_page), name="workflows_versions"),
            path("<uuid:pk>/export/", view(versions.export), name="workflows_export"),
            path("<uuid:pk>/start/", view(starting.start_page), name="workflows_start"),
            *super().get_urls(),
        ]

    def response_add(
        self, request: HttpRequest, obj: Workflow, post_url_continue: Any = None
    ) -> HttpResponse:
        """A new workflow has no steps yet."""
        return HttpResponseRedirect(reverse("admin:workflows_steps", args=[obj.pk]))

    @action(
        description="Add an example or a file", url_path="examples", icon="playlist_add", permissions=["add"]
    )
    def examples(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workflows_add_example"))

    @action(description="Steps", url_path="edit-steps", icon="account_tree", permissions=["view"])
    def edit_steps(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workflows_steps", args=[object_id]))

    @action(description="Start a run", url_path="start-run", icon="play_arrow", permissions=["change"])
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workflows_start", args=[object_id]))

    @action(description="Versions", url_path="see-versions", icon="history", permissions=["view"])
    def versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workflows_versions", args=[object_id]))
