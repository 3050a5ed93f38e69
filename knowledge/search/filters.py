"""The search filters of the admin, the API, assistants and commands, and their translation for the vector store."""

from __future__ import annotations

from collections import defaultdict
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
    """All conditions must hold.

    `references`, `documents`, `knowledge_base`: ids. `tags_any`, `tags_all`, `tags_none`: tag names. `metadata`: a scalar
    must equal, a list means any of, {"gt"|"gte"|"lt"|"lte": number} is a range; the file's own metadata has the prefix
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
    """A condition names something that does not exist."""


def resolve(tenant_id: UUID, filters: SearchFilters) -> Filter:
    """Replace names by ids; without names, PostgreSQL is not queried. Raise NothingCanMatch, FilterInvalidError."""
    names = {*filters.tags_any, *filters.tags_all, *filters.tags_none}
    references = filters.references
    tag_ids: dict[str, list[UUID]] = defaultdict(list)  # several where references have a tag of the same name
    with tenant_scope(tenant_id) if names or filters.knowledge_base else nullcontext():
        if filters.knowledge_base is not None:
            readable = readable_references(filters.knowledge_base)
            references = tuple(readable if references is None else set(references) & set(readable))
        if names:
            tags = Tag.objects.filter(tag__in=names)
            if references is not None:
                tags = tags.filter(reference_id__in=references)
            for name, pk in tags.values_list("tag", "pk"):
                tag_ids[name].append(pk)
    tags_any = tuple(pk for name in filters.tags_any for pk in tag_ids[name])
    tags_all = [tag_ids[name] for name in filters.tags_all]
    if (
        references == ()
        or filters.documents == ()
        or (filters.tags_any and not tags_any)
        or not all(tags_all)
    ):
        raise NothingCanMatch
    if any(len(ids) > 1 for ids in tags_all):
        raise FilterInvalidError("'tags_all' needs one reference, because each has tags of its own. Name it.")
    return Filter(
        reference_ids=references or (),
        document_ids=filters.documents or (),
        tags_any=tags_any,
        tags_all=tuple(ids[0] for ids in tags_all),
        tags_none=tuple(pk for name in filters.tags_none for pk in tag_ids[name]),
        metadata=filters.metadata,
        where=filters.where,
    )
