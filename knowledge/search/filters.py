"""What may be found: the filter language of admin, API, assistants and commands, and what it means in the vector store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.isolation.scope import tenant_scope
from engines.vectors import Condition, Filter
from knowledge.errors import FilterInvalidError
from knowledge.models import Tag
from knowledge.services.references import readable_references


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """Every condition given must hold.

    `references`, `documents`, `knowledge_base`: ids. `tags_any`, `tags_all`, `tags_none`: tag names. `metadata`: a scalar
    must equal, a list means any of, {"gt"|"gte"|"lt"|"lte": number} is a range; what a file says of itself begins with
    "file_" (as in "file_author"). `where` combines such conditions by all, any and none.
    """

    references: tuple[UUID, ...] | None = None
    knowledge_base: UUID | None = None
    documents: tuple[UUID, ...] | None = None
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    where: Condition | None = None


class NothingCanMatch(Exception):
    """A condition names what does not exist."""


def resolve(tenant_id: UUID, filters: SearchFilters) -> Filter:
    """Names to ids; PostgreSQL is asked only when there is a name. Raises NothingCanMatch."""
    names = {*filters.tags_any, *filters.tags_all, *filters.tags_none}
    with tenant_scope(tenant_id) if names or filters.knowledge_base else nullcontext():
        references = _references(filters)
        ids = _tag_ids(names, references)
    any_ = tuple(pk for name in filters.tags_any for pk in ids[name])
    if references == () or filters.documents == () or (filters.tags_any and not any_):
        raise NothingCanMatch
    return Filter(
        reference_ids=references or (),
        document_ids=filters.documents or (),
        tags_any=any_,
        tags_all=_every(filters.tags_all, ids, references),
        tags_none=tuple(pk for name in filters.tags_none for pk in ids[name]),
        metadata=filters.metadata,
        where=filters.where,
    )


def _references(filters: SearchFilters) -> tuple[UUID, ...] | None:
    """Those of the knowledge base, of which the given ones; None for all."""
    if filters.knowledge_base is None:
        return filters.references
    readable = readable_references(filters.knowledge_base)
    return tuple(readable if filters.references is None else set(filters.references) & set(readable))


def _tag_ids(names: set[str], references: Sequence[UUID] | None) -> dict[str, list[UUID]]:
    """A name may stand in several references' vocabularies."""
    ids: dict[str, list[UUID]] = defaultdict(list)
    if names:
        tags = Tag.objects.filter(tag__in=names)
        if references is not None:
            tags = tags.filter(reference_id__in=references)
        for name, pk in tags.values_list("tag", "pk"):
            ids[name].append(pk)
    return ids


def _every(
    names: Sequence[str], ids: dict[str, list[UUID]], references: Sequence[UUID] | None
) -> tuple[UUID, ...]:
    found = [ids[name] for name in names]
    if not all(found):
        raise NothingCanMatch
    if any(len(same) > 1 for same in found):
        raise FilterInvalidError("'tags_all' needs one reference, because each has tags of its own. Name it.")
    return tuple(same[0] for same in found)
