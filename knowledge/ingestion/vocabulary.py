"""The vocabularies of references: their tags, with the rules of each, and the vectors with which passages are compared."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

import numpy as np
from django.db.models import Prefetch

from core.batching import batched
from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import charge
from engines.embedding import TextRole, Vectors
from knowledge.ingestion.attempt import Attempt
from knowledge.models import Stage, Tag, TagRule
from knowledge.pipeline.embedding import BATCH_SIZE
from knowledge.pipeline.values import Rule, VocabularyTag

# A larger vocabulary has no `ai` tags.
MAX_AI_VOCABULARY = 500
KEY_BYTES = hashlib.sha256().digest_size


def load_vocabularies(
    attempt: Attempt, reference_ids: Collection[UUID]
) -> dict[UUID, tuple[VocabularyTag, ...]]:
    """Return the tags of each reference, in alphabetical order, with the rules that are not switched off. Vectors that are
    missing are charged, computed and stored. To be called outside of a scope. Raises QuotaExceededError."""
    rules = Prefetch("rules", TagRule.objects.filter(switched_off=""))
    with tenant_scope(attempt.tenant_id):
        rows = Tag.objects.filter(reference_id__in=reference_ids).order_by("tag")
        tags = list(rows.prefetch_related(rules))
    sizes = Counter(tag.reference_id for tag in tags)
    vectors = _vectors_of(attempt, [tag for tag in tags if sizes[tag.reference_id] <= MAX_AI_VOCABULARY])
    vocabularies: dict[UUID, list[VocabularyTag]] = defaultdict(list)
    for tag in tags:
        word = VocabularyTag(
            id=tag.pk,
            tag=tag.tag,
            inherited=tag.inherited,
            rules=tuple(Rule(id=rule.pk, kind=rule.kind, pattern=rule.pattern) for rule in tag.rules.all()),
            vector=vectors.get(tag.pk),
        )
        vocabularies[tag.reference_id].append(word)
    return {pk: tuple(words) for pk, words in vocabularies.items()}


def _vectors_of(attempt: Attempt, tags: Sequence[Tag]) -> dict[UUID, Vectors]:
    """`Tag.vector` begins with a key, so that it is computed again for another model or description."""
    embedder = attempt.ports.embedder
    texts = {tag.pk: f"{tag.tag}: {tag.description}" if tag.description else tag.tag for tag in tags}
    keys = {pk: hashlib.sha256(f"{embedder.model}\0{text}".encode()).digest() for pk, text in texts.items()}
    stored = {tag.pk: bytes(tag.vector) for tag in tags if tag.vector}
    outdated = [tag for tag in tags if not stored.get(tag.pk, b"").startswith(keys[tag.pk])]
    for batch in batched(outdated, BATCH_SIZE):
        attempt.progress(Stage.WAIT)
        words = [texts[tag.pk] for tag in batch]
        with tenant_scope(attempt.tenant_id):
            charge(actor=attempt.actor, amounts={QuotaKind.EMBEDDING: sum(embedder.count_tokens(words))})
        embedded = embedder.embed(attempt.tenant_id, words, TextRole.QUESTION)
        for tag, vector in zip(batch, embedded, strict=True):
            tag.vector = stored[tag.pk] = keys[tag.pk] + np.asarray(vector, dtype=np.float32).tobytes()
        with tenant_scope(attempt.tenant_id):
            locked = Tag.objects.filter(pk__in=[tag.pk for tag in batch]).order_by("pk")
            list(locked.select_for_update(no_key=True).values_list("pk"))
            Tag.objects.bulk_update(batch, ["vector"])
    return {pk: np.frombuffer(content[KEY_BYTES:], dtype=np.float32) for pk, content in stored.items()}
