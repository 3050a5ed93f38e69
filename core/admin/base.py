"""The base of every admin page: the role in the tenant decides what is allowed, and services do it.

Rows are isolated by the scope that `TenantMiddleware` wraps around responses: nothing here filters by tenant.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urljoin

from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.forms import Field
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.overrides import FORMFIELD_OVERRIDES, FORMFIELD_OVERRIDES_INLINE
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from core.actors import Actor, PlatformActor
from core.admin.list_views import COLUMNS, ListViews
from core.admin.pages import BoundedPaginator
from core.admin.theme import ModelAdmin, ModelForm, TabularInline
from core.bounded_fields import is_long
from core.errors import OylError
from core.isolation.fields import TenantForeignKey
from core.json_values import FormDecoder
from core.permissions import Role
from core.querysets import alive_above
from core.recent_password import PasswordNeededError
from core.requests import TenantRequest


class OylSite(Protocol):
    """The admin site provides what `core` does not import: the history of objects, which the audit log has, and the page
    that asks for the password again."""

    def history_of(self, instance: models.Model, length: int) -> list[dict[str, Any]]: ...

    def ask_password(self, request: HttpRequest) -> HttpResponse: ...


View = TypeVar("View", bound=Callable[..., HttpResponse])
HISTORY_LENGTH = 200


def actor_of(request: HttpRequest) -> Actor:
    """The actor of the request. Raises PermissionDenied if there is none."""
    actor = cast(TenantRequest, request).actor
    if actor is None:
        raise PermissionDenied
    return actor


def operator_of(request: HttpRequest) -> PlatformActor:
    """The operator of the request. Raises PermissionDenied if there is none, or if they are in a tenant."""
    operator = cast(TenantRequest, request).operator
    if operator is None:
        raise PermissionDenied
    return operator


def show_domain_errors(view: View) -> View:
    """Show an OylError as a message on the page of the request; the transaction is rolled back. If the password has to be
    entered again, ask for it."""

    @wraps(view)
    def wrapper(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except PasswordNeededError:
            return cast(OylSite, self.admin_site).ask_password(request)
        except OylError as error:
            messages.error(request, str(error))
            # A GET of the same address would fail again: the page above it is the object's.
            here = request.get_full_path() if request.method == "POST" else urljoin(request.path, "..")
            return redirect_or_htmx(request, request.headers.get("HX-Current-URL", here))

    return cast(View, wrapper)


def redirect_or_htmx(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect. HTMX gets it in a header, because it would load a redirect's page into the dialog."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


class TenantForm(ModelForm):
    """Also validates the constraints that use `tenant`, `deleted_at` or a parent that is read-only, although none of these
    is a field of the form: otherwise a violation would only be noticed by the database."""

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        fields = self.instance._meta.concrete_fields
        parents = {field.name for field in fields if isinstance(field, TenantForeignKey)}
        return excluded - {"tenant", "deleted_at"} - parents


def has_role(request: HttpRequest, role: Role | None) -> bool:
    """Whether the actor has at least this role. False for None, and before sign-in."""
    actor = cast(TenantRequest, request).actor
    return actor is not None and role is not None and actor.role.rank >= role.rank


class RolePermissions:
    """The least role for reading, and the one for writing; with None, the page is read-only."""

    view_role = Role.VIEWER
    write_role: Role | None = Role.EDITOR

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request, self.view_role)

    def has_write_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request, self.write_role)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_write_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_write_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_write_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


class OperatorPermissions(RolePermissions):
    """For what belongs to no tenant: while they are in no tenant, operators alone may read it, and write it unless
    `write_role` is None."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return cast(TenantRequest, request).operator is not None

    def has_write_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.write_role is not None and self.has_view_permission(request)


def _accepts(field: Field, value: Any) -> bool:
    try:
        field.clean(value)
    except ValidationError:
        return False
    return True


class PlainChangeList(ChangeList):
    """Offers to show all rows only if a filter or a search hides some, does not load long columns that it does not show,
    and filters rows only as the page offers it: Django would take any lookup, regular expressions included."""

    def get_queryset(self, request: HttpRequest, **kwargs: Any) -> models.QuerySet[Any]:
        """An action changes whole objects, so it loads all columns."""
        rows: models.QuerySet[Any] = super().get_queryset(request, **kwargs)
        if request.method == "POST":
            return rows
        shown = {*self.list_display, *self.model_admin.list_reads}
        return rows.defer(
            *(field.name for field in self.opts.concrete_fields if is_long(field) and field.name not in shown)
        )

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(COLUMNS, None)
        return found

    def get_filters(self, request: HttpRequest) -> Any:
        filters = super().get_filters(request)
        if others := list(filters[2]):  # the parameters that no filter of the page has used
            raise DisallowedModelAdminLookup(f"Filtering by {others[0]} not allowed")
        return filters

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.has_active_filters or self.query):
            self.full_result_count = self.result_count


class TenantAdmin(RolePermissions, ListViews, ModelAdmin):
    """Pages for one of the tenant's models. Django's log of admin actions, which all tenants would share, stays empty: an
    object's history comes from the audit log. `list_reads` names the long columns from which the list computes others, and
    `nothing_yet` says of an empty list where its rows come from."""

    form = TenantForm
    formfield_overrides = {
        **FORMFIELD_OVERRIDES,
        models.JSONField: {**FORMFIELD_OVERRIDES[models.JSONField], "decoder": FormDecoder},
    }
    paginator = BoundedPaginator
    show_full_result_count = False
    list_filter_submit = True
    list_reads: tuple[str, ...] = ()
    nothing_yet = ""
    list_per_page = 50
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request).filter(alive_above(self.model))
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlainChangeList]:
        return PlainChangeList

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Without the values that their fields do not accept: they come from the page's address."""
        fields = self.get_form(request).base_fields
        given = super().get_changeform_initial_data(request)
        return {
            name: value for name, value in given.items() if name in fields and _accepts(fields[name], value)
        }

    @show_domain_errors
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changelist_view(request, *args, **kwargs)

    @show_domain_errors
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    @show_domain_errors
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().delete_view(request, *args, **kwargs)

    def not_found_redirect(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The response for an id that does not exist, is another tenant's, or is no id at all."""
        response: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self.not_found_redirect(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History: {obj}",
            "events": cast(OylSite, self.admin_site).history_of(obj, HISTORY_LENGTH),
            "object": obj,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> None:  # type: ignore[override]
        """The service has recorded it."""

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> None:  # type: ignore[override]
        """The service has recorded it."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """The service has recorded it."""


class ReadOnlyAdmin(TenantAdmin):
    write_role = None


class UncountedAdmin(ReadOnlyAdmin):
    """For tables whose rows are too many to count on every page."""

    paginator = InfinitePaginator


EXPANDABLE = {"widget": UnfoldAdminExpandableTextareaWidget}


class TenantInline(RolePermissions, TabularInline):
    form = TenantForm
    formfield_overrides = {
        **FORMFIELD_OVERRIDES_INLINE,
        models.TextField: EXPANDABLE,
        models.JSONField: {**EXPANDABLE, "decoder": FormDecoder},
    }
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Fields in tables have no label but their column's heading, which they have as their accessible name."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs.setdefault("aria-label", field.label)
        return field


class ReadOnlyInline(TenantInline):
    write_role = None
    show_change_link = True
