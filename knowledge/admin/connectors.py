"""The pages of connectors and their runs: the form follows from the kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from audit.admin import AuditedAdmin
from core.admin import ReadOnlyAdmin, TenantForm, action, actor_of, display, show_domain_errors
from core.admin.schema_fields import schema_field, shown, typed
from core.json_schema import problems
from core.permissions import Role
from jobs.admin import JobDisplay
from jobs.states import JobState
from knowledge.connectors.base import Kind
from knowledge.connectors.kinds import KINDS
from knowledge.connectors.services import (
    check_connector,
    decide_prune,
    delete_connectors,
    failures_of,
    save_connector,
    start_sync,
)
from knowledge.models import Connector, ConnectorRun, RunStage
from workspaces.models import IntegrationConfig

PREFIX = "config-"


class ConnectorForm(TenantForm):
    """One field for each property of the kind's schema. `kind` is that of the page."""

    of_kind: Kind

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].widget = forms.HiddenInput()
        if "integration" in self.fields and self.of_kind.integration_type:
            rows = IntegrationConfig.objects.filter(type_enum=self.of_kind.integration_type)
            self.fields["integration"].queryset = rows.order_by("name")  # type: ignore[attr-defined]
            self.fields["integration"].required = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        config = {}
        for name, schema in self.of_kind.form["properties"].items():
            value = typed(self.fields[f"{PREFIX}{name}"], cleaned.get(f"{PREFIX}{name}"))
            if value not in (None, ""):
                config[name] = value
                for sentence in problems(schema, value):
                    self.add_error(f"{PREFIX}{name}", sentence.replace("The value", "It"))
        self.instance.config_json = config
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                check_connector(self.instance)
            except ValidationError as error:
                for name, found in error.message_dict.items():
                    self.add_error(name if name in self.fields else None, found)


@admin.register(Connector)
class ConnectorAdmin(AuditedAdmin):
    write_role = Role.ADMIN
    list_display = ["name", "kind", "reference", "every_minutes", "last_run"]
    list_select_related = ["reference"]
    list_filter = ["kind", ("reference", AutocompleteSelectFilter)]
    search_fields = ["name"]
    autocomplete_fields = ["reference"]
    ordering = ["name"]
    actions_detail = ["sync_now"]

    @display(description="Runs")
    def last_run(self, obj: Connector) -> SafeString:
        address = f"{reverse('admin:knowledge_connectorrun_changelist')}?connector__id__exact={obj.pk}"
        return format_html('<a class="oyl-link" href="{}">Show</a>', address)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """First the kind is chosen, then its form is filled in."""
        if request.method == "POST" or _kind_of(request) or not self.has_add_permission(request):
            return super().add_view(request, *args, **kwargs)
        context = {
            **self.admin_site.each_context(request),
            "title": "Where do the documents come from?",
            "kinds": KINDS.values(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/knowledge/connector_kinds.html", context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kind = _kind_of(request, obj) or KINDS["web"]
        fields = dict(_fields(kind, obj.config_json if obj else {}))
        form = type("ConnectorForm", (ConnectorForm,), {**fields, "of_kind": kind})
        return super().get_form(request, obj, change, form=form, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = _kind_of(request, obj) or KINDS["web"]
        own = [f"{PREFIX}{name}" for name in kind.form["properties"]]
        first = ["integration"] if kind.integration_type else []
        return [
            (
                None,
                {"fields": ["reference", "name", "kind", "every_minutes", *(["last_run"] if obj else [])]},
            ),
            (kind.title, {"fields": [*first, *own], "description": kind.purpose}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fixed = ["reference", "kind", "last_run"] if obj else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_connector(actor=actor_of(request), connector=obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_connectors(actor=actor_of(request), connectors=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        delete_connectors(actor=actor_of(request), connectors=list(queryset))

    @action(description="Sync now", url_path="sync", icon="sync", permissions=["write"])
    @show_domain_errors
    def sync_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            return self.not_found_redirect(request, object_id)
        run = start_sync(actor=actor_of(request), connector_id=found.pk)
        messages.success(request, "It runs. This page shows how far it is when you load it again.")
        return HttpResponseRedirect(reverse("admin:knowledge_connectorrun_change", args=[run.pk]))


@admin.register(ConnectorRun)
class ConnectorRunAdmin(JobDisplay, ReadOnlyAdmin):
    list_display = [
        "created_at",
        "connector",
        "state_badge",
        "added",
        "updated",
        "unchanged",
        "removed",
        "failed",
    ]
    list_select_related = ["connector"]
    list_filter = [("connector", AutocompleteSelectFilter), "state"]
    ordering = ["-created_at"]
    fields = [
        "connector",
        "state_badge",
        "question",
        "error_detail",
        "added",
        "updated",
        "unchanged",
        "removed",
        "failed",
        "failures",
        "started_at",
        "finished_at",
    ]
    readonly_fields = ["state_badge", "question", "failures"]
    actions_detail = ["remove_gone", "keep_gone"]

    @display(description="Question")
    def question(self, obj: ConnectorRun) -> str:
        if not _asks(obj):
            return "–"
        return (
            f"The source has {obj.gone} documents no more, which is much. Remove them, or keep them until the next run, "
            "if the source was not complete."
        )

    @display(description="Items with errors")
    def failures(self, obj: ConnectorRun) -> str:
        return render_to_string("admin/knowledge/connector_failures.html", {"failed": failures_of(obj)[:100]})

    @action(description="Remove them", url_path="remove", icon="delete", permissions=["decide"])
    @show_domain_errors
    def remove_gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, remove=True)

    @action(description="Keep them", url_path="keep", icon="undo", permissions=["decide"])
    @show_domain_errors
    def keep_gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, remove=False)

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        found = self.get_object(request, object_id) if object_id else None
        is_admin = actor_of(request).role.rank >= Role.ADMIN.rank
        return is_admin and (found is None or _asks(found))

    def _decide(self, request: HttpRequest, object_id: str, *, remove: bool) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            return self.not_found_redirect(request, object_id)
        decide_prune(actor=actor_of(request), run_id=found.pk, remove=remove)
        messages.success(request, "They are being removed." if remove else "They stay until the next run.")
        return HttpResponseRedirect(reverse("admin:knowledge_connectorrun_change", args=[object_id]))


def _asks(run: ConnectorRun) -> bool:
    return bool(run.state == JobState.WAITING and run.stage == RunStage.ASKING)


def _kind_of(request: HttpRequest, obj: Any = None) -> Kind | None:
    return KINDS.get(obj.kind if obj else request.POST.get("kind") or request.GET.get("kind", ""))


def _fields(kind: Kind, config: Mapping[str, Any]) -> Iterator[tuple[str, forms.Field]]:
    for name, schema in kind.form["properties"].items():
        field = schema_field(name, {key: value for key, value in schema.items() if key != "writeOnly"})
        field.required = name in kind.form["required"]
        field.initial = shown(schema, config.get(name))
        yield f"{PREFIX}{name}", field
