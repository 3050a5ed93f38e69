"""Applying the rules of tags to passages that are there already, without reading their files again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet

from audit.services import record
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.document_quotas import by_workspace
from knowledge.models import Chunk, Document, Tag, TagLink, TagSource
from knowledge.pipeline.rules import DocumentRules, compile_rule
from knowledge.pipeline.values import Rule, VocabularyTag
from knowledge.queueing import lock_documents
from knowledge.services.reading import record_document_reads
from knowledge.services.rules import check_rule, switch_off_rules
from knowledge.services.tags import link_chunks, write_tags

# A trial looks at passages for so long, and shows so many.
TRIAL_SECONDS, SHOWN = 3.0, 20
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule would tag: `found` of the `examined` passages, in so many documents, and the first of them."""

    examined: int
    found: int
    documents: int
    passages: tuple[Chunk, ...]
    is_complete: bool


def try_rule(*, actor: Actor, reference_id: UUID, kind: str, pattern: str) -> Trial:
    """On the reference's passages, the newest documents first. Raises TagRuleInvalidError."""
    actor.require(Role.VIEWER)
    check_rule(kind, pattern)
    compiled, until = compile_rule(kind, pattern), time.monotonic() + TRIAL_SECONDS
    examined, found, documents, is_complete = 0, list[Chunk](), set[UUID](), True
    with tenant_scope(actor.tenant_id):
        for chunk in _passages(Q(document__reference=reference_id)).iterator(READ_AT_ONCE):
            if time.monotonic() > until:
                is_complete = False
                break
            examined += 1
            if compiled.search(chunk.text.encode()) is not None:
                documents.add(chunk.document_id)
                found.append(chunk)
        record_document_reads(actor=actor, document_ids={chunk.document_id for chunk in found[:SHOWN]})
    return Trial(
        examined=examined,
        found=len(found),
        documents=len(documents),
        passages=tuple(found[:SHOWN]),
        is_complete=is_complete,
    )


def apply_rules(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Give the passages of these documents the tags of today's rules, and take from them what rules that are gone had given.
    Return the number of documents. To be called outside of a scope."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        rows = Document.objects.filter(pk__in=document_ids).select_related("reference").defer("text")
        documents = list(rows)
        vocabularies = _vocabularies({document.reference_id for document in documents})
    for document in documents:
        rules = DocumentRules(vocabularies[document.reference_id], document.filename)
        with tenant_scope(actor.tenant_id):
            passages = list(_passages(Q(document=document.pk)))
        wanted = {chunk.pk: {word.id for word in rules.matching(chunk.text)} for chunk in passages}
        switch_off_rules(actor=actor, reasons=[rules.stopped])
        with tenant_scope(actor.tenant_id):
            lock_documents([document.pk])
            _write(actor, document, wanted)
    with tenant_scope(actor.tenant_id):
        for workspace_id, own in by_workspace(documents).items():
            record(
                actor=actor,
                action="documents.rules_applied",
                target=own[0] if len(own) == 1 else None,
                workspace_id=workspace_id,
                new={str(document.pk): "tagged" for document in own},
            )
    return len(documents)


def _passages(condition: Q) -> QuerySet[Chunk]:
    published = Q(generation=F("document__generation"), document__deleted_at__isnull=True)
    rows = Chunk.objects.filter(published & condition).select_related("document").defer("document__text")
    return rows.order_by("-document_id", "position")


def _vocabularies(reference_ids: Collection[UUID]) -> dict[UUID, list[VocabularyTag]]:
    words: dict[UUID, list[VocabularyTag]] = {pk: [] for pk in reference_ids}
    for tag in Tag.objects.filter(reference__in=reference_ids).prefetch_related("rules"):
        rules = tuple(_rules_of(tag))
        words[tag.reference_id].append(VocabularyTag(id=tag.pk, tag=tag.tag, rules=rules))
    return words


def _rules_of(tag: Tag) -> Iterator[Rule]:
    for rule in tag.rules.all():
        if not rule.switched_off:
            yield Rule(id=rule.pk, kind=rule.kind, pattern=rule.pattern)


def _write(actor: Actor, document: Document, wanted: dict[UUID, set[UUID]]) -> None:
    """Passages of a generation that was replaced meanwhile are not there any more; the new one has today's rules."""
    present = TagLink.objects.filter(chunk__in=wanted, source=TagSource.RULE)
    pairs = set(present.values_list("chunk_id", "tag_id"))
    outdated = [(chunk, tag) for chunk, tag in pairs if tag not in wanted[chunk]]
    new = {(chunk, tag) for chunk, tags in wanted.items() for tag in tags} - pairs
    if not outdated and not new:
        return
    for tag in {tag for _, tag in outdated}:
        present.filter(tag=tag, chunk__in=[chunk for chunk, other in outdated if other == tag]).delete()
    for tag in Tag.objects.filter(pk__in={tag for _, tag in new}):
        chunks = Chunk.objects.filter(pk__in=[chunk for chunk, other in new if other == tag.pk]).only("pk")
        link_chunks(chunks, [tag], TagSource.RULE, actor.user_id)
    write_tags(actor.tenant_id, [document], Q(pk__in=wanted))
