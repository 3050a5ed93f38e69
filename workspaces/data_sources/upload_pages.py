"""Uploading a file: what was recognised is shown with the first rows, and can be corrected before the import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.admin import actor_of, has_role
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.name_fields import as_uuid
from core.permissions import Role
from core.requests import opens_own_scopes
from engines.tables import TYPES
from jobs.planning import without_planned
from jobs.states import UNFINISHED, JobState
from workspaces.data_sources.importing import (
    get_or_create_data_source,
    recognise_again,
    start_import,
    upload,
)
from workspaces.data_sources.uploads import local_file
from workspaces.models import DataImport, DataSource, Workspace

_OF_TEXT = ("encoding", "delimiter", "decimal_separator", "date_format", "has_header")
_SHOWN_ERRORS = 100


class UploadForm(forms.Form):
    workspace: Any = forms.ModelChoiceField(queryset=None, widget=UnfoldAdminSelect2Widget)
    name = forms.CharField(
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the data source. If there is one of this name, the rows of the file take the place of its rows.",
    )
    file = forms.FileField(
        allow_empty_file=True,
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV, TSV, XLSX, ODS, JSON, JSON lines or Parquet.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspace: Any = self.fields["workspace"]
        workspace.queryset = Workspace.objects.order_by("name")


class OptionsForm(forms.Form):
    """How the file is read. The columns' types are `type_0`, `type_1` …"""

    sheet = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    encoding = forms.CharField(required=False, max_length=40, widget=UnfoldAdminTextInputWidget)
    delimiter = forms.CharField(
        required=False,
        max_length=4,
        strip=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="\\t is a tab.",
    )
    decimal_separator = forms.ChoiceField(
        required=False, choices=[(".", "a point: 1.5"), (",", "a comma: 1,5")], widget=UnfoldAdminSelectWidget
    )
    date_format = forms.CharField(
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text="%d.%m.%Y is 31.12.2026, %m/%d/%Y is 12/31/2026.",
    )
    has_header = forms.BooleanField(
        required=False, label="The first row has the columns' names", widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, row: DataImport, data: Any = None) -> None:
        self.recognised: Mapping[str, Any] = row.recognised_json
        options = self.recognised["options"]
        shown = {**options, "delimiter": options["delimiter"].replace("\t", "\\t")}
        types = {f"type_{n}": one["type"] for n, one in enumerate(self.recognised["columns"])}
        super().__init__(data, initial={**shown, **types})
        self._keep_fields(str(options["format"]))
        self.fields_before = list(self.fields)
        for number, column in enumerate(self.recognised["columns"]):
            kinds = [column["type"]] if column["type"] not in TYPES else []
            self.fields[f"type_{number}"] = forms.ChoiceField(
                label=f"Type of {column['name']}",
                choices=[(kind, kind) for kind in (*kinds, *TYPES)],
                widget=UnfoldAdminSelectWidget,
            )

    def _keep_fields(self, kind: str) -> None:
        sheets: Any = self.fields["sheet"]
        sheets.choices = [(name, name) for name in self.recognised["sheets"]]
        kept = {"csv": _OF_TEXT, "xlsx": ("sheet", "has_header"), "ods": ("sheet", "has_header")}.get(
            kind, ()
        )
        for name in set(self.fields) - set(kept):
            del self.fields[name]

    @property
    def columns(self) -> list[tuple[str, Any]]:
        return [(one["name"], self[f"type_{n}"]) for n, one in enumerate(self.recognised["columns"])]

    @property
    def options(self) -> list[Any]:
        return [self[name] for name in self.fields_before]

    def as_options(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Those that differ from what was recognised, and those that were chosen before."""
        data, found = dict(self.cleaned_data), dict(before)
        if "delimiter" in data:
            data["delimiter"] = data["delimiter"].replace("\\t", "\t")
        recognised = self.recognised["options"]
        found |= {name: data[name] for name in self.fields_before if data[name] != recognised[name]}
        types = {
            one["name"]: data[f"type_{n}"]
            for n, one in enumerate(self.recognised["columns"])
            if data[f"type_{n}"] != one["type"] and data[f"type_{n}"] in TYPES
        }
        return {**found, "types": {**found.get("types", {}), **types}}


@opens_own_scopes
def upload_page(request: HttpRequest) -> HttpResponse:
    """The file is read before any transaction begins."""
    actor = actor_of(request)
    with tenant_scope(actor.tenant_id):
        if not has_role(request, Role.EDITOR):
            raise Http404
        initial = _initial(request.GET.get("source", ""))
        form = UploadForm(request.POST or None, request.FILES or None, initial=initial)
        if not form.is_valid():
            return _page(request, "upload", "Upload a file", form=form, media=form.media)
    data = form.cleaned_data
    try:
        source = get_or_create_data_source(actor=actor, workspace=data["workspace"], name=data["name"])
        with local_file(data["file"]) as path:
            upload(actor=actor, data_source_id=source.pk, path=path, filename=str(data["file"].name))
    except (OylError, EngineError) as error:
        form.add_error("file", str(error))
        with tenant_scope(actor.tenant_id):
            return _page(request, "upload", "Upload a file", form=form, media=form.media)
    return HttpResponseRedirect(reverse("admin:data_sources_import", args=[source.pk]))


@opens_own_scopes
def import_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The newest import of a data source: a look at what was recognised, how far it is, or what could not be read."""
    with tenant_scope(actor_of(request).tenant_id):
        source = source_of(pk)
        row = without_planned(source.imports.order_by("-created_at", "-pk")).first()
        if row is None:
            messages.info(request, "Nothing has been imported yet.")
            return HttpResponseRedirect(f"{reverse('admin:data_sources_upload')}?source={pk}")
    form = None
    if row.state == JobState.WAITING and has_role(request, Role.EDITOR):
        form = OptionsForm(row, request.POST or None)
        if request.method == "POST" and form.is_valid() and _act(request, row, form):
            return HttpResponseRedirect(request.path)
    with tenant_scope(actor_of(request).tenant_id):
        return _page(
            request,
            "import",
            f"Import: {row.filename}",
            source=source,
            row=row,
            form=form,
            is_unfinished=row.state in UNFINISHED and row.state != JobState.WAITING,
            names=[column["name"] for column in row.recognised_json.get("columns", [])],
            preview=row.recognised_json.get("rows", []),
            errors=row.errors_json[:_SHOWN_ERRORS],
        )


def source_of(pk: UUID) -> DataSource:
    """Raises Http404."""
    found: DataSource | None = DataSource.objects.filter(pk=pk, workspace__deleted_at=None).first()
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, row: DataImport, form: OptionsForm) -> bool:
    """Whether it could be done."""
    options = form.as_options(row.options_json)
    service = start_import if request.POST.get("do") == "start" else recognise_again
    try:
        service(actor=actor_of(request), import_id=row.pk, options=options)
    except (OylError, EngineError) as error:
        messages.error(request, str(error))
        return False
    return True


def _initial(source_id: str) -> dict[str, Any]:
    pk = as_uuid(source_id)
    source = DataSource.objects.filter(pk=pk).first() if pk else None
    return {"workspace": source.workspace_id, "name": source.name} if source else {}


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/workspaces/{template}.html", whole).render()
