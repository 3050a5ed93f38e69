"""`delete_document ID`: hide a document at once, and purge it from the stores."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.commands import TenantCommand
from jobs.drain import wait_until_idle, workers_are_running
from jobs.handlers import handler_of
from knowledge.models import IngestionJob
from knowledge.services.changing import delete_documents


class Command(TenantCommand):
    help = "Delete a document, its passages, points and file, and what was found inside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("id", type=UUID, metavar="ID")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        deleted = delete_documents(actor=actor, document_ids=[options["id"]])
        if not workers_are_running():
            wait_until_idle(handler_of(IngestionJob), actor.tenant_id)
        return {"deleted": deleted}

    def describe(self, result: dict[str, Any]) -> str:
        return f"Deleted documents, with those found inside: {result['deleted']}."
