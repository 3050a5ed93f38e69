"""Which collections a search looks in: each embedding model has one, with the passages of the references that use it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.db import connection

from core.isolation.scope import current_tenant_id, tenant_scope
from engines.vectors import Filter
from knowledge.engine_config import default_model, model_for, model_named
from knowledge.models import Reference

# Written out because Django would take longer to build it than PostgreSQL to execute it.
MODELS_SQL = 'SELECT DISTINCT embedding_model FROM "references" WHERE tenant_id = %s AND deleted_at IS NULL'


def models_in_use() -> set[str]:
    """Inside a scope: those of all references, or the default one."""
    with connection.cursor() as cursor:
        cursor.execute(MODELS_SQL, [current_tenant_id()])
        return {model_named(value) for (value,) in cursor.fetchall()} or {default_model()}


def filters_by_model(tenant_id: UUID, models: Collection[str], filter: Filter) -> dict[str, Filter]:
    """Outside of a scope: the filter for each model's collection. If several models are in use, it names the references."""
    if len(models) == 1:
        return dict.fromkeys(models, filter)
    ids: defaultdict[str, list[UUID]] = defaultdict(list)
    with tenant_scope(tenant_id):
        references = Reference.objects.only("pk", "embedding_model")
        if filter.reference_ids:
            references = references.filter(pk__in=filter.reference_ids)
        for reference in references:
            ids[model_for(reference)].append(reference.pk)
    return {model: replace(filter, reference_ids=tuple(pks)) for model, pks in ids.items()}
