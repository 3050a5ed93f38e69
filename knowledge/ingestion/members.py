"""Files found inside other files (archives, mail attachments) become documents of their own."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.errors import JOB_ERRORS, LeaseLostError
from knowledge.models import Document, IngestionJob
from knowledge.parsing import Member
from knowledge.pipeline.values import Failure, Tagged
from knowledge.services.documents import Upload, add_documents, delete_documents
from tenants.actors import Actor
from tenants.scope import tenant_scope

MAX_DEPTH = 3


def add_members(
    actor: Actor, jobs: Sequence[IngestionJob], products: Sequence[Tagged]
) -> tuple[list[Tagged], list[Failure]]:
    """Queue what was found inside the products' files; before the flip, so that no crash can lose a member, and
    repeatable, because a member's identity is its place. Products that are nested too deep come back as failures."""
    documents = {job.document_id: job.document for job in jobs}
    fine: list[Tagged] = []
    failures: list[Failure] = []
    for product in products:
        source, members = product.passages.source, product.passages.document.members
        if members and _depth(actor, documents[source.document_id]) >= MAX_DEPTH:
            failures.append(
                Failure(
                    source=source,
                    code="nested_too_deep",
                    detail=JOB_ERRORS["nested_too_deep"],
                    retryable=False,
                )
            )
        elif _replace_members(actor, documents[source.document_id], members):
            fine.append(product)
    return fine, failures


def _replace_members(actor: Actor, container: Document, members: Sequence[Member]) -> bool:
    """False when the container was deleted or replaced meanwhile, and nothing was done."""
    uploads = {upload.external_id: upload for upload in (_upload(container, member) for member in members)}
    try:
        if uploads:
            add_documents(
                actor=actor,
                reference_id=container.reference_id,
                uploads=list(uploads.values()),
                container=container,
            )
    except LeaseLostError:
        return False
    # An earlier generation may have brought members even if it was never shown itself.
    if container.file_generation > 1:
        _delete_gone(actor, container, set(uploads))
    return True


def _upload(container: Document, member: Member) -> Upload:
    return Upload(
        external_id=f"{container.external_id}/{member.name}"[-1024:],
        filename=member.name.rpartition("/")[2],
        path=member.path,
    )


def _delete_gone(actor: Actor, container: Document, present: set[str]) -> None:
    with tenant_scope(actor.tenant_id):
        members = Document.objects.filter(container=container).exclude(external_id__in=present)
        gone = list(members.values_list("pk", flat=True))
    if gone:
        delete_documents(actor=actor, document_ids=gone)


def _depth(actor: Actor, document: Document) -> int:
    """How many files the document is inside of."""
    depth = 0
    with tenant_scope(actor.tenant_id):
        while document.container_id:
            depth += 1
            document = Document.with_deleted.get(pk=document.container_id)
    return depth
