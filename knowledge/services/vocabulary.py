"""Renaming and merging tags, with the passages that have them. Ids stay, so that only merging changes the vector store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from audit.services import record, soft_delete_audited
from core.actors import Actor
from core.isolation.scope import current_tenant_id, tenant_scope
from core.permissions import Role
from knowledge.errors import TagExistsError, TagInvalidError
from knowledge.models import Document, DocumentTag, Tag, TagLink, TagRule
from knowledge.services.tags import clean_tag_names, index_tags

RENAME_IN_PASSAGES = """
UPDATE chunks SET tags_text = ARRAY(
    SELECT DISTINCT one FROM unnest(array_replace(tags_text, %(old)s, %(new)s)) one ORDER BY one
)
WHERE tenant_id = %(tenant)s AND id IN (SELECT chunk_id FROM tag_links WHERE tenant_id = %(tenant)s AND tag_id = %(tag)s)
"""


def rename_tag(*, actor: Actor, tag: Tag, name: str) -> None:
    """Everywhere. Raises TagInvalidError, TagExistsError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        names = clean_tag_names([name])
        if not names:
            raise TagInvalidError("A tag has a name.")
        others = Tag.objects.filter(reference=tag.reference_id, tag__iexact=names[0]).exclude(pk=tag.pk)
        if others.exists():
            raise TagExistsError
        old, tag.tag = tag.tag, names[0]
        tag.save(update_fields=["tag"])
        _rename_in_passages(tag, old)
        record(
            actor=actor,
            action="tag.renamed",
            target=tag,
            workspace_id=tag.reference.workspace_id,
            old={"tag": old},
            new={"tag": tag.tag},
        )


def merge_tags(*, actor: Actor, tags: Sequence[Tag], into: Tag) -> int:
    """Give what has one of these tags the other one, with their rules, and delete them. All are of one reference. Return the
    number of tags that are gone. Raises TagInvalidError."""
    actor.require(Role.EDITOR)
    others = [tag for tag in tags if tag.pk != into.pk]
    if any(tag.reference_id != into.reference_id for tag in others):
        raise TagInvalidError("Merge tags of one reference.")
    with tenant_scope(actor.tenant_id):
        ids = [tag.pk for tag in others]
        chunks = list(TagLink.objects.filter(tag__in=ids).values_list("chunk_id", flat=True).distinct())
        documents = DocumentTag.objects.filter(tag__in=ids).values("document")
        Document.objects.filter(pk__in=documents).update()  # changed, too
        for tag in others:
            for model, same in ((TagLink, "chunk"), (DocumentTag, "document")):
                _move(model, same, tag.pk, into.pk)
            _move_rules(tag, into)
            _rename_in_passages(into, tag.tag)
        record(
            actor=actor,
            action="tag.merged",
            target=into,
            workspace_id=into.reference.workspace_id,
            old={"tags": [tag.tag for tag in others]},
            new={"tag": into.tag},
        )
        soft_delete_audited(actor=actor, instances=others)
        transaction.on_commit(partial(index_tags, actor.tenant_id, Q(pk__in=chunks)))
    return len(others)


def _move(model: type[TagLink] | type[DocumentTag], same: str, old: UUID, new: UUID) -> None:
    """What has both tags keeps the new one."""
    has_both = model.objects.filter(tag=new).values(same)
    rows = model.objects.filter(tag=old)
    rows.filter(**{f"{same}__in": has_both}).delete()
    rows.update(tag=new)


def _move_rules(tag: Tag, into: Tag) -> None:
    known = set(TagRule.objects.filter(tag=into).values_list("kind", "pattern"))
    for rule in TagRule.objects.filter(tag=tag):
        if (rule.kind, rule.pattern) not in known:
            rule.tag = into
            rule.save(update_fields=["tag"])


def _rename_in_passages(tag: Tag, old: str) -> None:
    """The passages that have the tag show its name instead of the old one."""
    parameters: dict[str, Any] = {"old": old, "new": tag.tag, "tag": tag.pk, "tenant": current_tenant_id()}
    with connection.cursor() as cursor:
        cursor.execute(RENAME_IN_PASSAGES, parameters)
