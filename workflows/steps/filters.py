"""Which passages a step reads, in the filter language of searches."""

from __future__ import annotations

from core.isolation.scope import tenant_scope
from knowledge.models import Document, Reference
from knowledge.search.filter_language import parse_filter
from knowledge.search.filters import SearchFilters
from workflows.steps.base import StepContext, expression
from workflows.steps.reach import own_ids, own_rows

WHERE = expression(
    "A filter of the search as an object, such as {'type': 'eq', 'key': 'customer', 'value': input.customer}"
)


def filters_of(context: StepContext) -> SearchFilters:
    """Those of the configuration, within the workspace's references. Raises StepError, FilterInvalidError."""
    config = context.config
    with tenant_scope(context.tenant_id):
        chosen = config.get("references")
        references = own_rows(context, Reference).values_list("pk", flat=True)
        documents = tuple(own_ids(context, Document, config["documents"])) if "documents" in config else None
        found = tuple(own_ids(context, Reference, chosen)) if chosen else tuple(references)
    return SearchFilters(
        references=found,
        documents=documents,
        tags_any=tuple(config.get("tags_any", ())),
        tags_all=tuple(config.get("tags_all", ())),
        tags_none=tuple(config.get("tags_none", ())),
        where=(parse_filter(config["where"]),) if "where" in config else (),
    )
