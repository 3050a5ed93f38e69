"""Expressions of the filter language as conditions of the vector store.

Its index compares values and ranges of numbers. The documents for which anything else holds are looked up in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Func, JSONField, Q, QuerySet, Value

from core.isolation.scope import tenant_scope
from engines.vectors import BelongsTo, Combined, Condition, Matches
from knowledge.metadata import FILE_PREFIX
from knowledge.models import Document, Reference, Tag
from knowledge.search.document_types import is_of_types, type_names
from knowledge.search.filter_language import (
    LISTS,
    NEGATED,
    RANGES,
    Comparison,
    DocumentField,
    Expression,
    Operator,
    parse_time,
)
from knowledge.search.phrases import fold
from knowledge.search.warnings import Warn

_CLAUSES: dict[str, Literal["all", "any", "none"]] = {"and": "all", "or": "any", "not": "none"}
_ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GTE: ge,
    Operator.LT: lt,
    Operator.LTE: le,
}
# So many names are compared with one that does not exist, and so many that do not exist are named.
MAX_SUGGESTED, MAX_WARNINGS = 5000, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Translates for one search. `references` are those that it looks in, None for all; `warn` is called with a sentence
    for each name that does not exist. To be used outside of a scope."""

    tenant_id: UUID
    references: tuple[UUID, ...] | None
    warn: Warn

    def of(self, expression: Expression) -> Condition:
        if not isinstance(expression, Comparison):
            return Combined(_CLAUSES[expression.operator], tuple(map(self.of, expression.parts)))
        operator, key, value = expression.operator, expression.key, expression.value
        if operator in NEGATED:
            return Combined("none", (self.of(Comparison(NEGATED[operator], key, value)),))
        if isinstance(key, DocumentField):
            return self._of_field(operator, key, value)
        if operator in (Operator.EQ, *LISTS):
            return Matches(key, value)
        if operator in RANGES and not isinstance(value, str):
            return Matches(key, {operator.value: value})
        return self._of_metadata(operator, key, value)

    def _of_field(self, operator: Operator, field: DocumentField, value: Any) -> Condition:
        values = value if isinstance(value, list) else [value]
        with tenant_scope(self.tenant_id):
            match field:
                case DocumentField.TAG:
                    return BelongsTo("tag", tuple(pk for ids in self.tags(values).values() for pk in ids))
                case DocumentField.WORKSPACE:
                    return BelongsTo("reference", self._references_of(values))
                case DocumentField.TYPE:
                    found = self._documents().filter(is_of_types(values))
                    if not found.exists():
                        self._warn_of_unknown("type", map(fold, values), type_names())
                case DocumentField.CREATED_AT | DocumentField.UPDATED_AT:
                    found = self._documents().filter(**{f"{field}__{operator}": parse_time(value)})
                case _ if operator is Operator.CONTAINS:
                    names = self._documents().values_list("pk", field).iterator()
                    return BelongsTo("document", tuple(pk for pk, name in names if fold(value) in fold(name)))
                case _:
                    found = self._documents().filter(**{f"{field}__in": values})
            return BelongsTo("document", tuple(found.values_list("pk", flat=True)))

    def _of_metadata(self, operator: Operator, key: str, value: Any) -> Condition:
        """What the index cannot say: dates, parts of texts, and whether there is the key at all."""
        with tenant_scope(self.tenant_id):
            if operator is Operator.EXISTS:
                ids = {pk for pk, _ in self._values(key)}
                condition = BelongsTo("document", tuple(ids))
                return condition if value else Combined("none", (condition,))
            holds = _contains(value) if operator is Operator.CONTAINS else _in_order(operator, value)
            ids = {pk for pk, values in self._values(key) if any(map(holds, values))}
            return BelongsTo("document", tuple(ids))

    def _values(self, key: str) -> Iterator[tuple[UUID, list[Any]]]:
        """Of the documents that have the key, as `knowledge.metadata.filterable` names it."""
        sources = [("metadata_json", key)]
        if key.startswith(FILE_PREFIX):
            sources.append(("file_metadata_json", key.removeprefix(FILE_PREFIX)))
        for column, name in sources:
            rows = self._documents().filter(**{f"{column}__has_key": name})
            # Django's own lookup takes a name of digits for the place of an item.
            found = Func(F(column), Value(name), function="jsonb_object_field", output_field=JSONField())
            for pk, value in rows.values_list("pk", found).iterator():
                yield pk, value if isinstance(value, list) else [value]

    def _documents(self) -> QuerySet[Document]:
        rows: QuerySet[Document] = Document.objects.order_by()
        return rows if self.references is None else rows.filter(reference__in=self.references)

    def _references_of(self, workspaces: list[str]) -> tuple[UUID, ...]:
        """By the names or ids of their workspaces."""
        rows = Reference.objects.order_by()
        if self.references is not None:
            rows = rows.filter(pk__in=self.references)
        ids = {one: pk for one in workspaces if (pk := _uuid(one))}
        named = Q(workspace__name__in=workspaces) | Q(workspace__in=ids.values())
        found = dict(rows.filter(named).values_list("pk", "workspace__name"))
        if missing := {*workspaces} - {*found.values(), *ids}:
            self._warn_of_unknown(
                "workspace", missing, rows.values_list("workspace__name", flat=True).distinct()
            )
        return tuple(found)

    def tags(self, names: Iterable[str]) -> dict[str, list[UUID]]:
        """Inside a scope: the ids of each name, one for each reference that has the tag. None if there are no names."""
        rows = Tag.objects.order_by()
        if self.references is not None:
            rows = rows.filter(reference__in=self.references)
        found: dict[str, list[UUID]] = {name: [] for name in names}
        for name, pk in rows.filter(tag__in=found).values_list("tag", "pk") if found else ():
            found[name].append(pk)
        if missing := [name for name, ids in found.items() if not ids]:
            self._warn_of_unknown(
                "tag", missing, rows.values_list("tag", flat=True).distinct()[:MAX_SUGGESTED]
            )
        return found

    def _warn_of_unknown(self, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
        present = {*known}
        missing = [name for name in names if name not in present]
        for name in missing[:MAX_WARNINGS]:
            close = get_close_matches(name, present, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            self.warn(f"There is no {kind} '{name}' where you search.{meant}")
        if (others := len(missing) - MAX_WARNINGS) > 0:
            self.warn(f"There is also no {kind} of {others} further names.")


def _contains(part: str) -> Callable[[Any], bool]:
    folded = fold(part)
    return lambda value: isinstance(value, str) and folded in fold(value)


def _in_order(operator: Operator, bound: str) -> Callable[[Any], bool]:
    """Compares times; what is none is in no order."""
    order, limit = _ORDERS[operator], parse_time(bound)

    def holds(value: Any) -> bool:
        time = parse_time(value)
        return time is not None and order(time, limit)

    return holds


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
