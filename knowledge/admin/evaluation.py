"""Evaluation sets, their cases and their runs."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, action, actor_of, display, show_domain_errors
from core.errors import EngineError
from core.isolation.scope import tenant_scope
from core.requests import opens_own_scopes
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.search.evaluation_runs import run_evaluation
from knowledge.services.evaluation_sets import save_evaluation_case


@admin.register(EvaluationSet)
class EvaluationSetAdmin(AuditedAdmin):
    list_display = ["name", "workspace", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    fields = ["workspace", "name", "contents"]
    readonly_fields = ["contents"]
    actions_detail = ["run", "run_reranked"]

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

    @action(description="Run", url_path="run", icon="play_arrow", permissions=["write"])
    @opens_own_scopes
    @show_domain_errors
    def run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._run(request, object_id, rerank=False)

    @action(description="Run, reranked", url_path="run-reranked", icon="sort", permissions=["write"])
    @opens_own_scopes
    @show_domain_errors
    def run_reranked(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._run(request, object_id, rerank=True)

    def _run(self, request: HttpRequest, object_id: str, *, rerank: bool) -> HttpResponse:
        with tenant_scope(actor_of(request).tenant_id):
            found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        try:
            row = run_evaluation(actor=actor_of(request), evaluation_set=cast(UUID, found.pk), rerank=rerank)
        except EngineError as error:
            messages.error(request, str(error))
        else:
            figures = f"nDCG {row.ndcg:.3f}, recall {row.recall:.3f}, hit rate {row.hit_rate:.3f}"
            messages.success(request, f"{row.cases} cases: {figures}.")
        return HttpResponseRedirect(reverse("admin:knowledge_evaluationset_change", args=[object_id]))


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
