"""The pages of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property

from core.admin.home import MOST_COUNTED

if TYPE_CHECKING:
    Base = Paginator[Any]
else:
    Base = Paginator


class Uncounted(int):
    """Stands for a number of which only is known that it is larger than `MOST_COUNTED`."""

    def __str__(self) -> str:
        return f"{MOST_COUNTED:,}+"


class BoundedPaginator(Base):
    """Counts at most `MOST_COUNTED` rows and one; of a longer list, the last page is not known."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        number: int = rows.order_by().values("pk")[: MOST_COUNTED + 1].count()
        return number if number <= MOST_COUNTED else Uncounted(9_999_999_999)

    def page(self, number: int | str) -> Page[Any]:
        """Of a later page, the rows are chosen first: what a list computes for its rows is not computed for those before."""
        page = super().page(number)
        if page.number > 1:
            rows: Any = self.object_list
            ids = list(page.object_list.values_list("pk", flat=True))  # type: ignore[attr-defined]
            page.object_list = rows.filter(pk__in=ids)
        return page

    @property
    def template_name(self) -> str:
        kind = "infinite" if isinstance(self.count, Uncounted) else "default"
        return f"unfold/helpers/pagination_{kind}.html"
