"""`?expand=reference,workspace`: the objects to which an object refers, in the same answer, as by their own routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer, PrimaryKeyRelatedField

from core.api.filters import list_values, parameter_error
from core.apps import oyl_apps

if TYPE_CHECKING:
    from core.api.views import TenantViewSet

PARAMETER = "expand"
HELP = "Which of the objects that it refers to are in `expanded`: names of fields, separated by commas."


@cache
def _views_by_model() -> Mapping[Any, Any]:
    """The routes of single objects. Where each reading is recorded, an object is read by its own route."""
    views = [
        view for app in oyl_apps() if app.routes for view in import_string(app.routes).values()
    ]  # fmt: skip
    return {view.model: view for view in views if hasattr(view, "retrieve") and not view.records_reads}


def expandable(view: Any) -> dict[str, type[TenantViewSet]]:
    """{field: view set} for the fields of the view's objects that refer to one object."""
    kind = getattr(view, "serializer_class", None)
    if not (isinstance(kind, type) and issubclass(kind, ModelSerializer)):
        return {}
    related = {
        name: _model_of(kind, field)
        for name, field in kind().fields.items()
        if isinstance(field, PrimaryKeyRelatedField)
    }
    views = _views_by_model()
    return {name: views[model] for name, model in related.items() if model in views}


def _model_of(kind: Any, field: Any) -> Any:
    """To which a field refers: one that is only read has no rows to choose from."""
    model: Any = kind.Meta.model
    for step in field.source.split("."):
        model = model._meta.get_field(step).related_model
    return model


def add_expanded(view: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Add `expanded` to the representations, if the request asks for it: {field: object, or null if the caller does not see
    it}. Raises ValidationError, and PermissionDenied where the caller may not read such objects."""
    request: Request = view.request
    if PARAMETER not in request.query_params:
        return
    known, rows = expandable(view), list(rows)
    names = list(dict.fromkeys(list_values(request.query_params, PARAMETER)))
    if unknown := [name for name in names if name not in known]:
        detail = f"'{unknown[0]}' is not among: {', '.join(known) or 'none'}."
        raise parameter_error(PARAMETER, detail)
    for row in rows:
        row["expanded"] = {}
    for name in names:
        objects = _objects(view, known[name], {str(row[name]) for row in rows if row[name]})
        for row in rows:
            row["expanded"][name] = objects.get(str(row[name]))


def _objects(view: Any, kind: Any, ids: set[str]) -> dict[str, Any]:
    other = kind(request=view.request, action="retrieve", kwargs={}, format_kwarg=None)
    for permission in other.get_permissions():
        if not permission.has_permission(view.request, other):
            other.permission_denied(view.request)
    rows = other.get_queryset().filter(pk__in=ids)
    return {str(row.pk): other.present(row) for row in rows}
