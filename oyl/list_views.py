"""Saving and deleting views of the admin's lists."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.admin import actor_of
from core.admin.list_views import view_query
from core.errors import OylError
from core.name_fields import as_uuid
from tenants.services.saved_views import delete_view, save_view


@require_POST
def save_view_page(request: HttpRequest) -> HttpResponse:
    label, query = _list(request), view_query(QueryDict(request.POST.get("query", "")))
    name, is_shared = request.POST.get("name", "").strip(), "is_shared" in request.POST
    try:
        view = save_view(actor=actor_of(request), of_list=label, name=name, query=query, is_shared=is_shared)
        messages.success(request, f"The view “{view}” is saved.")
    except OylError as error:
        messages.error(request, str(error))
    return _back(label, query)


@require_POST
def delete_view_page(request: HttpRequest) -> HttpResponse:
    label, query = _list(request), view_query(QueryDict(request.POST.get("query", "")))
    try:
        delete_view(actor=actor_of(request), view=as_uuid(request.POST.get("view", "")) or UUID(int=0))
        messages.success(request, "The view is deleted.")
    except OylError as error:
        messages.error(request, str(error))
    return _back(label, query)


def _list(request: HttpRequest) -> str:
    """The label of the list's model. Raises Http404 for what is no list that the actor may see."""
    label = request.POST.get("list", "")
    for model, page in admin.site._registry.items():
        if model._meta.label_lower == label and page.has_view_permission(request):
            return label
    raise Http404


def _back(label: str, query: str) -> HttpResponse:
    name = label.replace(".", "_")
    return HttpResponseRedirect(f"{reverse(f'admin:{name}_changelist')}?{query}")
