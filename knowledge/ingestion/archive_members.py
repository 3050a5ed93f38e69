"""Files found inside other files (archives, mail attachments) become documents of their own."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Queue what was found inside the products' files; before the flip, so that no crash can lose a member, and
    repeatable, because a member's identity is its place. Products that hold too much come back as failures."""
    actor, documents = attempt.actor, {job.document_id: job.document for job in jobs}
    fine: list[Tagged] = []
    failures: list[Failure] = []
    for product in products:
        source, members = product.chunked.source, product.chunked.document.members
        container = documents[source.document_id]
        if members and (code := _refusal(actor, container, members)):
            detail = sentence(code, limit=MAX_DEPTH, files=MAX_FILES)
            failures.append(Failure(source=source, code=code, detail=detail))
        elif _replace_members(actor, container, members):
            fine.append(product)
    return fine, failures


def _refusal(actor: Actor, container: Document, members: Sequence[Member]) -> str:
    """The code of what is wrong with these members, or "": each archive alone was measured when it was unpacked, here
    the outermost one is, with all that is inside it."""
    with tenant_scope(actor.tenant_id):
        depth, root = 0, container
        while root.container_id:
            depth, root = depth + 1, Document.with_deleted.get(pk=root.container_id)
        if depth >= MAX_DEPTH:
            return "nested_too_deep"
        sizes = [member.path.stat().st_size for member in members]
        level = [root.pk]
        while level:
            family = Document.objects.filter(container__in=level).exclude(container=container)
            rows = list(family.values_list("pk", "size_bytes"))
            sizes += [size for _, size in rows]
            level = [pk for pk, _ in rows]
    too_large = len(sizes) > MAX_FILES or sum(sizes) > settings.PARSER_OUTPUT_MB << 20
    return "nested_too_large" if too_large else ""


def _replace_members(actor: Actor, container: Document, members: Sequence[Member]) -> bool:
    """False when the container was deleted or replaced meanwhile, and nothing was done."""
    uploads = _uploads(actor, container, members) if members else {}
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


def _uploads(actor: Actor, container: Document, members: Sequence[Member]) -> dict[str, Upload]:
    """By external id: the place inside the container or, where a document of somebody else's has that name, the same
    below the container's id."""
    places = {f"{container.external_id}/{member.name}"[-1024:]: member for member in members}
    with tenant_scope(actor.tenant_id):
        alive = Document.objects.filter(reference_id=container.reference_id, external_id__in=places)
        taken = set(alive.exclude(container=container).values_list("external_id", flat=True))
    return {
        name: Upload(external_id=name, filename=member.name.rpartition("/")[2], path=member.path)
        for place, member in places.items()
        for name in [f"{container.pk}/{member.name}"[-1024:] if place in taken else place]
    }


def _delete_gone(actor: Actor, container: Document, present: set[str]) -> None:
    with tenant_scope(actor.tenant_id):
        members = Document.objects.filter(container=container).exclude(external_id__in=present)
        gone = list(members.values_list("pk", flat=True))
    if gone:
        delete_documents(actor=actor, document_ids=gone)
