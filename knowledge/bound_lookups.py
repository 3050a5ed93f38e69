"""The lookups from objects of knowledge to what an API key may be bound to."""

from __future__ import annotations

from core.api.bound_rows import BoundLookups

REFERENCE_LOOKUPS = {
    "workspace": ("workspace",),
    "reference": ("pk",),
    "assistant": ("knowledge_bases__assistant", "knowledge_base__assistant"),
}


def lookups_through(path: str) -> BoundLookups:
    """The lookups of a model whose reference is at the end of `path`."""
    return {
        kind: tuple(f"{path}__{lookup}" for lookup in lookups) for kind, lookups in REFERENCE_LOOKUPS.items()
    }
