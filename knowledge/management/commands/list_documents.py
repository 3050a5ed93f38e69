"""`list_documents`: a tenant's documents, and their status."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db.models import Count, F, Q

from core.actors import Actor
from core.commands import TenantCommand
from core.isolation.scope import tenant_scope
from knowledge.models import Document
from knowledge.services.references import find_reference_ids


class Command(TenantCommand):
    help = "List a tenant's documents with their state, and why one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--reference", metavar="NAME_OR_ID")
        parser.add_argument(
            "--warnings", action="store_true", help="only those of which something was not read"
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> list[dict[str, Any]]:
        reference = options["reference"]
        ids = find_reference_ids(actor.tenant_id, reference) if reference else None
        with tenant_scope(actor.tenant_id):
            current = Q(chunks__generation=F("generation"))
            documents: Any = Document.objects.annotate(chunk_count=Count("chunks", filter=current))
            if ids is not None:
                documents = documents.filter(reference_id__in=ids)
            if options["warnings"]:
                documents = documents.filter(has_warnings=True)
            return [
                {
                    "id": document.pk,
                    "filename": document.filename,
                    "path": document.external_id,
                    "status": document.processed_status,
                    "error_code": document.error_code,
                    "error_detail": document.error_detail,
                    "warnings": document.warnings,
                    "chunks": document.chunk_count,
                    "generation": document.generation,
                }
                for document in documents.defer("text").order_by("external_id")
            ]

    def describe(self, result: list[dict[str, Any]]) -> str:
        if not result:
            return "No documents yet. `ingest PATH…` adds some."
        lines = []
        for row in result:
            error = f"  {row['error_detail']} ({row['error_code']})" if row["error_code"] else ""
            status = f"{row['id']}  {row['status']:<10}  {row['chunks']:>6} passages"
            lines.append(f"{status}  {row['path']}{error}")
            lines += [f"    {detail} ({code})" for code, detail in row["warnings"].items()]
        return "\n".join(lines)
