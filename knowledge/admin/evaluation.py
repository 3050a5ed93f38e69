"""Evaluation sets, their cases and their runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, action, actor_of, display
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.services.evaluation_sets import save_evaluation_case


@admin.register(EvaluationSet)
class EvaluationSetAdmin(AuditedAdmin):
    nothing_yet = (
        "On the page “Try a search”, mark the documents that should be found: the question is saved here."
    )
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "contents"]
    readonly_fields = ["contents"]
    actions_detail = ["run"]

    @display(description="Contents")
    def contents(self, obj: EvaluationSet) -> SafeString:
        if obj._state.adding:
            return SafeString("–")
        links = [
            (f"{reverse(f'admin:knowledge_{name}_changelist')}?evaluation_set__id__exact={obj.pk}", title)
            for name, title in (("evaluationcase", "Cases"), ("evaluationrun", "Runs"))
        ]
        link = '<a class="oyl-link" href="{}">{}</a>'
        return format_html(f"{link} · {link}", *(part for one in links for part in one))

    @action(description="Run and compare", url_path="run", icon="play_arrow", permissions=["view"])
    def run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if self.get_object(request, object_id) is None:
            return self.not_found_redirect(request, object_id)
        return HttpResponseRedirect(reverse("admin:evaluation_figures", args=[object_id]))


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(AuditedAdmin):
    list_display = ["question", "evaluation_set", "documents", "updated_at"]
    list_reads = ("question", "expected_json")
    list_select_related = ["evaluation_set"]
    list_filter = [("evaluation_set", AutocompleteSelectFilter)]
    search_fields = ["question"]
    autocomplete_fields = ["evaluation_set"]
    ordering = ["-created_at"]
    fields = ["evaluation_set", "question", "expected_json"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["evaluation_set"] if obj else []

    @display(description="Expected documents")
    def documents(self, obj: EvaluationCase) -> int:
        return len(obj.expected_json)

    def save_model(self, request: HttpRequest, obj: EvaluationCase, form: Any, change: bool) -> None:
        save_evaluation_case(actor=actor_of(request), case=obj)


@admin.register(EvaluationRun)
class EvaluationRunAdmin(ReadOnlyAdmin):
    list_display = ["evaluation_set", "mode", "rerank", "cases", "ndcg", "recall", "hit_rate", "created_at"]
    list_select_related = ["evaluation_set"]
    list_filter = [("evaluation_set", AutocompleteSelectFilter), "mode", "rerank"]
    ordering = ["-created_at"]
    fields = ["evaluation_set", ("mode", "rerank"), ("cases", "ndcg", "recall", "hit_rate"), "ranks_json"]
