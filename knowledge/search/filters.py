"""The search filters of the admin, the API, assistants and commands, and their translation for the vector store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.isolation.scope import tenant_scope
from engines.vectors import BelongsTo, Combined, Condition, Filter
from knowledge.errors import FilterInvalidError
from knowledge.search.filter_conditions import Conditions
from knowledge.search.filter_language import Expression, comparisons_in, parse_values
from knowledge.search.warnings import Warn
from knowledge.services.references import readable_references

# Each may look at all documents.
MAX_COMPARISONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """All conditions must hold.

    `references`, `documents`, `knowledge_base`: ids. `tags_any`, `tags_all`, `tags_none`: tag names. `metadata`: as
    `parse_values` takes it; the file's own metadata has the prefix "file_" (as in "file_author"). `where` has further
    expressions of the filter language.
    """

    references: tuple[UUID, ...] | None = None
    knowledge_base: UUID | None = None
    documents: tuple[UUID, ...] | None = None
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    where: tuple[Expression, ...] = ()


class NothingCanMatch(Exception):
    """A condition names something that does not exist."""


def resolve(tenant_id: UUID, filters: SearchFilters, warn: Warn) -> Filter:
    """Replace names by ids; without names, PostgreSQL is not queried. `warn` is called with a sentence for each that does
    not exist. Raise NothingCanMatch, FilterInvalidError."""
    references = _references(tenant_id, filters)
    if references == () or filters.documents == ():
        raise NothingCanMatch
    expressions = (*parse_values(filters.metadata), *filters.where)
    if sum(map(comparisons_in, expressions)) > MAX_COMPARISONS:
        raise FilterInvalidError(f"A filter has at most {MAX_COMPARISONS} comparisons: use 'in' for lists.")
    conditions = Conditions(tenant_id=tenant_id, references=references, warn=warn)
    named = _of_tags(conditions, filters)
    demanded = (*named, *map(conditions.of, expressions))
    return Filter(
        reference_ids=references or (),
        document_ids=filters.documents or (),
        where=Combined("all", demanded) if demanded else None,
    )


def _references(tenant_id: UUID, filters: SearchFilters) -> tuple[UUID, ...] | None:
    if filters.knowledge_base is None:
        return filters.references
    with tenant_scope(tenant_id):
        readable = readable_references(filters.knowledge_base)
    return tuple(readable if filters.references is None else set(filters.references) & set(readable))


def _of_tags(conditions: Conditions, filters: SearchFilters) -> list[Condition]:
    """A name stands for the tags that several references have of it. Raise NothingCanMatch."""
    names = [*filters.tags_any, *filters.tags_all, *filters.tags_none]
    if not names:
        return []
    with tenant_scope(conditions.tenant_id):
        ids = conditions.tags(names)

    def of(*names: str) -> BelongsTo:
        return BelongsTo("tag", tuple(pk for name in names for pk in ids[name]))

    demanded = [of(name) for name in filters.tags_all]
    if filters.tags_any:
        demanded.append(of(*filters.tags_any))
    if not all(one.ids for one in demanded):
        raise NothingCanMatch
    excluded = of(*filters.tags_none)
    return [*demanded, *([Combined("none", (excluded,))] if excluded.ids else [])]
