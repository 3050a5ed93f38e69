"""The figures of an evaluation set: running it, how its figures change over time, and two settings compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminSelectWidget

from core.admin import actor_of, has_role
from core.admin.home import Chart
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.requests import opens_own_scopes
from engines.vectors import Mode
from knowledge.models import Document, EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.models.evaluation import RunMode
from knowledge.search.evaluation_runs import run_evaluation

FIGURES = {"ndcg": "nDCG@10", "recall": "recall@10", "hit_rate": "hit rate@10"}
MAX_RUNS = 50
WORDS = {
    RunMode.HYBRID: "Meaning and words",
    RunMode.DENSE: "Meaning only",
    RunMode.SPARSE: "Words only",
}


@dataclass(frozen=True, slots=True)
class Setting:
    mode: RunMode
    rerank: bool

    @property
    def label(self) -> str:
        return f"{WORDS[self.mode]}{', reranked' if self.rerank else ''}"


SETTINGS = {
    f"{mode}{'-reranked' if rerank else ''}": Setting(mode, rerank)
    for rerank in (False, True)
    for mode in RunMode
}
CHOICES = [(key, setting.label) for key, setting in SETTINGS.items()]


class SettingsForm(forms.Form):
    setting = forms.ChoiceField(choices=CHOICES, initial=RunMode.HYBRID, widget=UnfoldAdminSelectWidget)
    other = forms.ChoiceField(
        label="Compare with", choices=[("", "–"), *CHOICES], required=False, widget=UnfoldAdminSelectWidget
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Without what was not chosen. The first setting if it cannot be read."""
        given = self.cleaned_data if self.is_valid() else {}
        return {"setting": RunMode.HYBRID.value, **{name: key for name, key in given.items() if key}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one setting: its newest run, and the chart of its last ones."""

    label: str
    run: EvaluationRun
    chart: Chart

    @property
    def values(self) -> list[float]:
        return [getattr(self.run, name) for name in FIGURES]


@opens_own_scopes
def figures_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The engines are called outside of any transaction."""
    chosen = SettingsForm(request.POST or request.GET or {"setting": RunMode.HYBRID}).chosen
    if request.method == "POST":
        _run(request, pk, chosen)
        return HttpResponseRedirect(f"{request.path}?{urlencode(chosen)}")
    with tenant_scope(actor_of(request).tenant_id):
        found = EvaluationSet.objects.filter(pk=pk).first()
        if found is None:
            raise Http404
        context = {
            **admin.site.each_context(request),
            "title": f"Evaluation set: {found}",
            "set": found,
            "form": SettingsForm(initial=chosen),
            "may_run": has_role(request, Role.EDITOR),
            **_shown(found, [SETTINGS[key] for key in dict.fromkeys(chosen.values())]),
        }
        return TemplateResponse(request, "admin/knowledge/figures.html", context).render()


def _run(request: HttpRequest, pk: UUID, chosen: Mapping[str, str]) -> None:
    """Run the set by each of the settings, unless they are only to be shown."""
    if request.POST.get("do") != "run":
        return
    if not has_role(request, Role.EDITOR):
        raise PermissionDenied
    try:
        for setting in (SETTINGS[key] for key in dict.fromkeys(chosen.values())):
            mode, rerank = Mode(setting.mode), setting.rerank
            row = run_evaluation(actor=actor_of(request), evaluation_set=pk, mode=mode, rerank=rerank)
            figures = ", ".join(f"{label} {getattr(row, name):.3f}" for name, label in FIGURES.items())
            messages.success(request, f"{setting.label}, {row.cases} cases: {figures}.")
    except (OylError, EngineError) as error:
        messages.error(request, str(error))


def _shown(found: EvaluationSet, settings: Sequence[Setting]) -> dict[str, Any]:
    shown = [figures for setting in settings if (figures := _figures(found, setting))]
    first, second = shown if len(shown) > 1 else (None, None)
    change = [b - a for a, b in zip(first.values, second.values, strict=True)] if first and second else []
    return {
        "shown": shown,
        "names": FIGURES.values(),
        "change": [f"{value:+.3f}" for value in change],
        "questions": _questions(found, shown),
    }


def _figures(found: EvaluationSet, setting: Setting) -> Figures | None:
    """None if it was never run."""
    rows = EvaluationRun.objects.filter(evaluation_set=found, mode=setting.mode, rerank=setting.rerank)
    runs = [*rows.order_by("-created_at")[:MAX_RUNS]]
    if not runs:
        return None
    times = [f"{run.created_at:%Y-%m-%d %H:%M}" for run in reversed(runs)]
    series = {label: [getattr(run, name) for run in reversed(runs)] for name, label in FIGURES.items()}
    chart = Chart(kind="line", labels=times, series=series, heading="Run")
    return Figures(label=setting.label, run=runs[0], chart=chart)


def _questions(found: EvaluationSet, shown: Sequence[Figures]) -> list[dict[str, Any]]:
    """Each case with the names of its expected documents, and their places by each setting."""
    cases = [*EvaluationCase.objects.filter(evaluation_set=found).order_by("created_at")]
    wanted = {one["document"] for case in cases for one in case.expected_json}
    rows = Document.objects.filter(pk__in=wanted).values_list("pk", "filename")
    names = {str(pk): filename for pk, filename in rows}
    return [
        {
            "case": case,
            "expected": [names.get(one["document"], "deleted") for one in case.expected_json],
            "places": [_places(case, figures.run) for figures in shown],
        }
        for case in cases
    ]


def _places(case: EvaluationCase, run: EvaluationRun) -> str:
    ranks = run.ranks_json.get(str(case.pk))
    if ranks is None:
        return "not asked"
    return ", ".join(str(ranks.get(one["document"]) or "not found") for one in case.expected_json)
