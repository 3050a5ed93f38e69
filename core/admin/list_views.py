"""What each list of the admin offers: a choice of its columns, and views that members have saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.text import capfirst

from core.admin.theme import ModelAdmin
from core.requests import TenantRequest

# Parameters of a list's address: the columns that are shown, and what the form of the columns sends for each.
COLUMNS, COLUMN = "columns", "column"
# What belongs to no view: the page, a choice that was refused, and the marks of windows for choosing an object.
PASSING = ("p", "e", "_popup", "_to_field", "all")
TIMES = ("created_at", "updated_at")


class ViewsSite(Protocol):
    """The admin site provides the saved views, which `core` does not know."""

    def saved_views(self, request: HttpRequest, of_list: str) -> list[Any]: ...


if TYPE_CHECKING:
    Base = ModelAdmin
else:
    Base = object


class ListViews(Base):
    """Besides those of `list_display`, a list offers the columns `list_more`, and the times of its rows."""

    list_more: tuple[str, ...] = ()

    def offered_columns(self, request: HttpRequest) -> list[str]:
        shown = [str(column) for column in super().get_list_display(request)]
        times = [field.name for field in self.opts.concrete_fields if field.name in TIMES]
        return [*dict.fromkeys([*shown, *self.list_more, *times])]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns that the address names, in the list's order, or else the usual ones."""
        wanted = request.GET.get(COLUMNS, "").split(",")
        chosen = [column for column in self.offered_columns(request) if column in wanted]
        return chosen or [*super().get_list_display(request)]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if COLUMN in request.GET:
            return HttpResponseRedirect(f"?{with_columns(request.GET).urlencode()}")
        context = {"title": capfirst(self.opts.verbose_name_plural), **self._views(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _views(self, request: HttpRequest) -> dict[str, Any]:
        """The context of templates/admin/list_views.html."""
        here = view_query(request.GET)
        shown = self.get_list_display(request)
        may_save = cast(TenantRequest, request).actor is not None
        site = cast(ViewsSite, self.admin_site)
        return {
            "columns": [(one, self._heading(one), one in shown) for one in self.offered_columns(request)],
            "kept": [
                (name, value)
                for name, values in request.GET.lists()
                for value in values
                if name not in _OTHERS
            ],
            "here": here,
            "list_label": self.opts.label_lower,
            "may_save_views": may_save,
            "saved_views": site.saved_views(request, self.opts.label_lower) if may_save else [],
        }

    def _heading(self, column: str) -> str:
        """As in the table's head."""
        own = getattr(self, column, None)
        if own is not None:
            return str(getattr(own, "short_description", column))
        return str(self.opts.get_field(column).verbose_name).capitalize()  # type: ignore[union-attr]


_OTHERS = (*PASSING, COLUMNS, COLUMN, "o")


def with_columns(given: QueryDict) -> QueryDict:
    """The address with the columns in one parameter. The order goes, because it counts columns."""
    address = given.copy()
    address[COLUMNS] = ",".join(given.getlist(COLUMN))
    for name in (COLUMN, "o"):
        address.pop(name, None)
    return address


def view_query(given: QueryDict) -> str:
    """The part of a list's address that a view keeps."""
    kept = given.copy()
    for name in PASSING:
        kept.pop(name, None)
    return kept.urlencode()
