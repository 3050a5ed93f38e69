"""A reference to put files into, and a worker that sees them through here and now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core.isolation.scope import tenant_scope
from engines.vectors import Filter, StoredPoint, get_vector_store
from knowledge.ingestion.waiting import work_here
from knowledge.models import Document, Reference
from knowledge.search.service import Filters, Passage, find
from knowledge.services.documents import Added, Upload, add_documents
from knowledge.services.libraries import get_or_create_reference
from tests.conftest import Person

BEES = "# Bees\n\nHoney bees dance to tell their sisters where the flowers are.\n"
RIVERS = "# Rivers\n\nThe river Danube flows through ten countries into the Black Sea.\n"


@dataclass(frozen=True)
class Library:
    person: Person
    reference: Reference
    folder: Path

    @property
    def tenant_id(self) -> UUID:
        return self.person.tenant_id

    def upload(self, name: str, content: str | bytes, **facts: Any) -> Upload:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Upload(external_id=name, filename=path.name, path=path, **facts)

    def queue(self, *uploads: Upload) -> list[Added]:
        return add_documents(actor=self.person.actor, reference_id=self.reference.pk, uploads=uploads)

    def add(self, name: str, content: str | bytes, **facts: Any) -> Document:
        """Add a file, wait for the worker, and return the document as it is then."""
        (added,) = self.queue(self.upload(name, content, **facts))
        self.work()
        return self.document(added.document_id)

    def work(self) -> None:
        work_here(self.tenant_id, lambda left: None)

    def document(self, pk: UUID) -> Document:
        with tenant_scope(self.tenant_id):
            found: Document = Document.with_deleted.get(pk=pk)
            return found

    def documents(self) -> dict[str, Document]:
        with tenant_scope(self.tenant_id):
            return {document.external_id: document for document in Document.objects.all()}

    def find(self, query: str, **filters: Any) -> list[Passage]:
        return find(tenant_id=self.tenant_id, query=query, filters=Filters(**filters))

    def points(self, document: Document) -> list[StoredPoint]:
        from engines.embedding import get_embedder
        from knowledge.pipeline.ports import collection_name

        collection = collection_name(get_embedder().model)
        return get_vector_store().scroll(self.tenant_id, collection, Filter(document_ids=(document.pk,)))


def make_library(person: Person, folder: Path) -> Library:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    folder.mkdir(exist_ok=True)
    return Library(person=person, reference=reference, folder=folder)
