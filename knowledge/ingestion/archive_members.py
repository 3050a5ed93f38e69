"""Files found inside other files (archives, mail attachments) become documents of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.conf import settings

from core.actors import Actor
from core.error_codes import sentence
from core.isolation.scope import tenant_scope
from engines.parsing import Member
from jobs.errors import LeaseLostError
from knowledge.ingestion.attempt import Attempt
from knowledge.models import Document, IngestionJob
from knowledge.pipeline.values import Failure, Tagged
from knowledge.services.adding import add_documents
from knowledge.services.changing import delete_documents
from knowledge.storage.values import Upload

MAX_DEPTH = 3
MAX_FILES = 10_000


def add_members(
    attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]
) -> tuple[list[Tagged], list[Failure]]:
    """Queue the files found inside the products' files. Return the products to publish, and failures for those that exceed a
    limit. This happens before publishing, so that no crash can lose a member, and may be repeated, because a member is
    identified by its path."""
    job_of = {job.document_id: job for job in jobs}
    accepted: list[Tagged] = []
    failures: list[Failure] = []
    for product in products:
        source, members = product.chunked.source, product.chunked.document.members
        job = job_of[source.document_id]
        container, actor = job.document, replace(attempt.actor, run_id=job.run_id)
        if members and (code := _exceeded_limit(attempt.tenant_id, container, members)):
            detail = sentence(code, limit=MAX_DEPTH, files=MAX_FILES)
            failures.append(Failure(source=source, code=code, detail=detail))
        elif _replace_members(actor, container, members):
            accepted.append(product)
    return accepted, failures


def _exceeded_limit(tenant_id: UUID, container: Document, members: Sequence[Member]) -> str:
    """Return the error code of the limit that the members exceed, or "". The parser has checked each archive alone; this
    counts everything inside the outermost one."""
    with tenant_scope(tenant_id):
        depth, root = 0, container
        while root.container_id:
            depth, root = depth + 1, Document.with_deleted.get(pk=root.container_id)
        if depth >= MAX_DEPTH:
            return "nested_too_deep"
        sizes = [member.path.stat().st_size for member in members]
        level = [root.pk]
        while level:
            nested = Document.objects.filter(container__in=level).exclude(container=container)
            rows = list(nested.values_list("pk", "size_bytes"))
            sizes += [size for _, size in rows]
            level = [pk for pk, _ in rows]
    too_large = len(sizes) > MAX_FILES or sum(sizes) > settings.PARSER_OUTPUT_MB << 20
    return "nested_too_large" if too_large else ""


def _replace_members(actor: Actor, container: Document, members: Sequence[Member]) -> bool:
    """Return False, having changed nothing, if the container was deleted or replaced meanwhile."""
    uploads: dict[str, Upload] = {}
    if members:
        paths = {f"{container.external_id}/{member.name}"[-1024:]: member for member in members}
        with tenant_scope(actor.tenant_id):
            same_name = Document.objects.filter(reference_id=container.reference_id, external_id__in=paths)
            taken = set(same_name.exclude(container=container).values_list("external_id", flat=True))
        for path, member in paths.items():
            # A name that another document has is replaced by one below the container's id.
            name = f"{container.pk}/{member.name}"[-1024:] if path in taken else path
            filename = member.name.rpartition("/")[2]
            uploads[name] = Upload(external_id=name, filename=filename, path=member.path)
        try:
            add_documents(
                actor=actor,
                reference_id=container.reference_id,
                uploads=list(uploads.values()),
                container=container,
            )
        except LeaseLostError:
            return False
    # An earlier generation may have added members even if it was never published.
    if container.file_generation > 1:
        with tenant_scope(actor.tenant_id):
            gone = Document.objects.filter(container=container).exclude(external_id__in=list(uploads))
            ids = list(gone.values_list("pk", flat=True))
        if ids:
            delete_documents(actor=actor, document_ids=ids)
    return True
