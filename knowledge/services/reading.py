"""Recording who reads the texts of documents."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from audit.hourly import record_reads
from core.actors import Actor
from core.permissions import Role
from knowledge.models import Document


def record_document_reads(*, actor: Actor, document_ids: Iterable[UUID]) -> None:
    """Inside a scope: one event for each document whose text, or passages, the actor is shown; once an hour for each
    credential."""
    actor.require(Role.VIEWER)
    documents = [Document(pk=pk, tenant_id=actor.tenant_id) for pk in {*document_ids}]
    record_reads(actor=actor, action="document.read", targets=documents)
