"""Changing what a document is called, says of itself, and belongs to, without sending its file again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.names import printable
from core.permissions import Role
from knowledge.errors import (
    DocumentNotFoundError,
    DocumentNotMovableError,
    ReferenceNotFoundError,
    UploadInvalidError,
)
from knowledge.metadata import check_metadata
from knowledge.models import Document, DocumentTag, Reference, TagLink
from knowledge.queueing import requeue
from knowledge.services.tags import clean_tag_names, get_or_create_tags, tag_documents, untag_documents


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChanges:
    """None leaves something as it is. `metadata` takes the place of the present ones; those of `merged` are added to them,
    and null removes a key. `tags` are all that the document has then, by name."""

    filename: str | None = None
    reference_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    merged: dict[str, Any] = field(default_factory=dict)
    tags: Sequence[str] | None = None


def change_document(*, actor: Actor, document_id: UUID, changes: DocumentChanges) -> None:
    """Its passages are made anew, because they are found by all of these; its present ones are found until then, unless it
    is moved. Raises DocumentNotFoundError, ReferenceNotFoundError, DocumentNotMovableError, UploadInvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = Document.objects.filter(pk=document_id).select_related("reference").defer("text")
        document = rows.select_for_update(of=("self",)).first()
        if document is None:
            raise DocumentNotFoundError
        old = {
            "filename": document.filename,
            "metadata_json": document.metadata_json,
            "reference": document.reference,
        }
        wanted: dict[str, Any] = {
            "filename": _name(document, changes),
            "metadata_json": _metadata(document, changes),
            "reference": _reference(document, changes),
        }
        new = {name: value for name, value in wanted.items() if value != old[name]}
        if "reference" in new:
            _retag(document, wanted["reference"])
            left = {*document.left_references, document.reference_id} - {wanted["reference"].pk}
            new["left_references"], old["left_references"] = sorted(left), document.left_references
            new["generation"] = old["generation"] = 0  # hides the passages, which are below the old reference
        if new:
            rows.update(**new)
            requeue([document])
            record(
                actor=actor,
                action="document.described",
                target=document,
                workspace_id=document.reference.workspace_id,
                old=_described(old, new),
                new=_described(new, new),
            )
        if changes.tags is not None:
            _replace_tags(actor, document, clean_tag_names(changes.tags))


def _described(values: dict[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    names = {"filename": "filename", "metadata_json": "metadata", "reference": "reference"}
    return {
        names[name]: str(values[name].pk) if name == "reference" else values[name]
        for name in changed
        if name in names
    }


def _name(document: Document, changes: DocumentChanges) -> str:
    if changes.filename is None:
        return document.filename
    name = printable(changes.filename).strip()
    if not 0 < len(name) <= 255:
        raise UploadInvalidError("A file name has 1 to 255 characters.")
    return name


def _metadata(document: Document, changes: DocumentChanges) -> dict[str, Any]:
    base = document.metadata_json if changes.metadata is None else changes.metadata
    merged = {**base, **changes.merged}
    removed = {key for key, value in changes.merged.items() if value is None}
    metadata = {key: value for key, value in merged.items() if key not in removed}
    check_metadata(metadata, document.filename)
    return metadata


def _reference(document: Document, changes: DocumentChanges) -> Reference:
    """Where it is to be: elsewhere in its workspace, whose quotas it counts for."""
    if changes.reference_id in (None, document.reference_id):
        return cast(Reference, document.reference)
    reference: Reference | None = Reference.objects.filter(pk=changes.reference_id).first()
    if reference is None:
        raise ReferenceNotFoundError
    if reference.workspace_id != document.reference.workspace_id:
        raise DocumentNotMovableError("A document moves within its workspace. Upload it to the other one.")
    if document.container_id or document.members.exists():
        raise DocumentNotMovableError(
            "An archive, a mail with attachments, and what was found in one, stay together. Upload it there."
        )
    if Document.objects.filter(reference=reference, external_id=document.external_id).exists():
        raise DocumentNotMovableError(f"The reference has a document '{document.external_id}' already.")
    return reference


def _retag(document: Document, reference: Reference) -> None:
    """Each reference has tags of its own: give the document those of the same names."""
    TagLink.objects.filter(chunk__document=document).delete()
    links = list(DocumentTag.objects.filter(document=document).select_related("tag"))
    DocumentTag.objects.filter(document=document).delete()
    for link in links:
        (tag,) = get_or_create_tags(reference.pk, [link.tag.tag], link.source)
        link.tag = tag
    DocumentTag.objects.bulk_create(links)


def _replace_tags(actor: Actor, document: Document, names: Sequence[str]) -> None:
    present = set(DocumentTag.objects.filter(document=document).values_list("tag__tag", flat=True))
    if removed := present - set(names):
        untag_documents(actor=actor, document_ids=[document.pk], tags=sorted(removed))
    if added := [name for name in names if name not in present]:
        tag_documents(actor=actor, document_ids=[document.pk], tags=added)
