"""What documents count for in the quotas of their workspaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from core.actors import Actor
from core.quota_kinds import QuotaKind
from core.quotas import count
from knowledge.models import Document


def give_back(
    actor: Actor,
    documents: Iterable[Document],
    kinds: Collection[QuotaKind] = (QuotaKind.DOCUMENTS, QuotaKind.STORAGE),
) -> None:
    """Inside a scope: these quotas of each workspace."""
    for workspace_id, amounts in amounts_of(documents).items():
        given = {kind: -amount for kind, amount in amounts.items() if kind in kinds}
        count(actor=actor, amounts=given, workspace_id=workspace_id)


def amounts_of(documents: Iterable[Document]) -> dict[UUID, dict[QuotaKind, int]]:
    """What the documents count for, by workspace."""
    return {
        workspace_id: {
            QuotaKind.DOCUMENTS: len(own),
            QuotaKind.STORAGE: sum(document.size_bytes for document in own),
        }
        for workspace_id, own in by_workspace(documents).items()
    }


def by_workspace(documents: Iterable[Document]) -> dict[UUID, list[Document]]:
    """The documents of each workspace, which have events and quotas of their own."""
    found: defaultdict[UUID, list[Document]] = defaultdict(list)
    for document in documents:
        found[document.reference.workspace_id].append(document)
    return found
