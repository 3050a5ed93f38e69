"""A reference to add files to, and a worker in the same process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core.actors import system_actor
from core.isolation.scope import tenant_scope
from engines.vectors import Filter, StoredPoint
from jobs import queue, worker
from jobs.drain import work_in_process
from jobs.handlers import JobHandler, handler_of
from jobs.progress import JobProgress
from knowledge.engine_config import default_embedder, file_parser, model_for, vector_store
from knowledge.ingestion.attempt import Attempt
from knowledge.models import Document, IngestionJob, Reference, Tag
from knowledge.pipeline.ports import Ports, collection_name
from knowledge.pipeline.values import tag_id
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search
from knowledge.services.adding import Added, add_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.values import Upload
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

    def upload(self, name: str, content: str | bytes, **options: Any) -> Upload:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Upload(external_id=name, filename=path.name, path=path, **options)

    def queue(self, *uploads: Upload) -> list[Added]:
        return add_documents(actor=self.person.actor, reference_id=self.reference.pk, uploads=uploads)

    def add(self, name: str, content: str | bytes, **options: Any) -> Document:
        """Add a file, process it, and return the document."""
        (added,) = self.queue(self.upload(name, content, **options))
        self.work()
        return self.document(added.document_id)

    def work(self) -> None:
        work_in_process(ingestion(), self.tenant_id)

    def document(self, pk: UUID) -> Document:
        with tenant_scope(self.tenant_id):
            document: Document = Document.with_deleted.get(pk=pk)
            return document

    def documents(self) -> dict[str, Document]:
        with tenant_scope(self.tenant_id):
            return {document.external_id: document for document in Document.objects.all()}

    def jobs(self, document: Document) -> list[IngestionJob]:
        """The document's jobs, in the order of its generations."""
        with tenant_scope(self.tenant_id):
            return list(IngestionJob.objects.filter(document=document).order_by("generation"))

    def find(self, query: str, **filters: Any) -> list[FoundChunk]:
        """Also what is hardly relevant."""
        return search(
            actor=self.person.actor, query=query, filters=SearchFilters(**filters), min_score=0, audited=False
        )

    def points(self, document: Document, languages: tuple[str, ...] = ()) -> list[StoredPoint]:
        of_document = Filter(document_ids=(document.pk,), languages=languages)
        with tenant_scope(self.tenant_id):
            model = model_for(Reference.objects.get(pk=self.reference.pk))
        return vector_store().scroll(self.tenant_id, collection_name(model), of_document)


def default_ports() -> Ports:
    """The ports of references without an embedding model of their own."""
    return Ports(parser=file_parser(), embedder=default_embedder(), store=vector_store())


def ingestion() -> JobHandler[IngestionJob]:
    return handler_of(IngestionJob)


def work(tenant_id: UUID) -> int:
    """Process one batch of ingestion jobs; return the number of jobs claimed."""
    return worker.work(ingestion(), tenant_id)


def claim(tenant_id: UUID) -> list[IngestionJob]:
    return queue.claim(ingestion(), tenant_id)


def process(tenant_id: UUID, batch: list[IngestionJob]) -> None:
    worker.process(ingestion(), tenant_id, batch)


def attempt(tenant_id: UUID, batch: list[IngestionJob]) -> Attempt:
    """An attempt at claimed jobs, without its heartbeat."""
    progress = JobProgress(ingestion(), tenant_id, batch)
    actor = system_actor(tenant_id, "worker")
    return Attempt(handler=ingestion(), actor=actor, ports=default_ports(), progress=progress)


def make_library(person: Person, folder: Path) -> Library:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    folder.mkdir(exist_ok=True)
    return Library(person=person, reference=reference, folder=folder)


def make_tag(library: Library, name: str, **fields: object) -> Tag:
    """A tag of the library's reference."""
    with tenant_scope(library.tenant_id):
        pk = tag_id(library.reference.pk, name)
        tag: Tag = Tag.objects.create(pk=pk, reference=library.reference, tag=name, **fields)
    return tag


def sources(chunk: FoundChunk) -> dict[str, str]:
    """The chunk's tags with their sources."""
    return {tag.tag: tag.source for tag in chunk.tags}
