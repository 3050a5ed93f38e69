"""How an object of knowledge belongs to what an API key may be bound to."""

from __future__ import annotations

from core.api.views import BoundLookups

OF_REFERENCE = {
    "workspace": ("workspace",),
    "reference": ("pk",),
    "assistant": ("knowledge_bases__assistant", "knowledge_base__assistant"),
}


def bound_through(way: str) -> BoundLookups:
    """What a key may be bound to, seen from a model whose reference is at the end of `way`."""
    return {kind: tuple(f"{way}__{end}" for end in ends) for kind, ends in OF_REFERENCE.items()}
