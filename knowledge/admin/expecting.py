"""Saving a question of the search page as a case of an evaluation set, with the documents that are marked as expected."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from core.admin import actor_of, has_role
from core.errors import OylError
from core.name_fields import as_uuid
from core.permissions import Role
from knowledge.models import EvaluationCase, EvaluationSet
from knowledge.services.evaluation_sets import case_of, expect_document

MAX_SETS = 200
SAVED = '{} expects {} document{} for this question. <a class="oyl-link" href="{}">Run the set</a>'


def expecting(request: HttpRequest, question: str) -> dict[str, Any]:
    """What the page of a search needs, inside a scope: the sets, the one that is chosen, and the documents that it expects
    for the question. Nothing for those who may save no case."""
    if not has_role(request, Role.EDITOR):
        return {}
    chosen = as_uuid(request.GET.get("evaluation_set", ""))
    case = case_of(chosen, question) if chosen else None
    sets = EvaluationSet.objects.select_related("workspace").order_by("workspace__name", "name")
    return {
        "may_expect": True,
        "sets": sets[:MAX_SETS],
        "chosen_set": chosen,
        "expected_documents": {UUID(one["document"]) for one in case.expected_json} if case else set(),
        "asked_again": request.GET.urlencode(),
    }


@require_POST
def expect_page(request: HttpRequest) -> HttpResponse:
    """A document was marked, or its mark was taken away. Back to the search, whose set is that of the case from then on."""
    if not has_role(request, Role.EDITOR):
        raise PermissionDenied
    search = QueryDict(request.POST.get("search", ""), mutable=True)
    try:
        case = _saved(request, search.get("query", ""))
    except (OylError, ValidationError) as error:
        messages.error(request, str(error) if isinstance(error, OylError) else " ".join(error.messages))
    else:
        search["evaluation_set"] = str(case.evaluation_set_id)
        figures = reverse("admin:evaluation_figures", args=[case.evaluation_set_id])
        number = len(case.expected_json)
        plural = "" if number == 1 else "s"
        messages.success(request, format_html(SAVED, case.evaluation_set, number, plural, figures))
    return HttpResponseRedirect(f"{reverse('admin:try_search')}?{search.urlencode()}")


def _saved(request: HttpRequest, question: str) -> EvaluationCase:
    """The buttons have the document's id as their value: `expect`, or `unexpect` for one that is marked."""
    marked, unmarked = (as_uuid(request.POST.get(name, "")) for name in ("expect", "unexpect"))
    return expect_document(
        actor=actor_of(request),
        evaluation_set=as_uuid(request.POST.get("evaluation_set", "")),
        question=question,
        document=marked or unmarked or UUID(int=0),
        is_expected=unmarked is None,
    )
