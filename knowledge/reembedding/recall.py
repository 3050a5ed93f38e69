"""The check before a switch: questions are sampled from the passages, and the new model must find the passage that a
question comes from about as often as the old one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from core.actors import system_actor
from core.isolation.scope import tenant_scope
from core.progress import Progress
from core.quota_kinds import QuotaKind
from core.quotas import charge
from engines.embedding import EmbeddingError
from engines.vectors import Filter, Mode, Query
from knowledge.engine_config import embedder_named, vector_store
from knowledge.models import Chunk, Reference
from knowledge.pipeline.embedding import cached_vector
from knowledge.pipeline.ports import collection_name

MAX_QUESTIONS, FOUND_AMONG = 200, 10
MAX_QUESTION_LENGTH = 200
# The new model may miss one question in so many that the old one answers, and always one.
TOLERATED = 20
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How many questions were answered with the old model (None: it does not answer any more), and with the new one."""

    questions: int
    before: int | None
    after: int

    @property
    def is_enough(self) -> bool:
        return self.before is None or self.before - self.after <= max(1, self.questions // TOLERATED)


def measure(reference: Reference, *, before: str, after: str, progress: Progress) -> Recall:
    """Compare the models `before` and `after`. To be called outside of a scope. Raises EmbeddingError when the latter does
    not answer, QuotaExceededError, VectorStoreError."""
    with tenant_scope(UUID(str(reference.tenant_id))):
        # The ids are hashes: their order is random, and the same each time.
        rows = Chunk.objects.filter(document__reference=reference, document__deleted_at=None).order_by("pk")
        texts = dict(rows.values_list("pk", "text")[:MAX_QUESTIONS])
    questions = {pk: question_of(text) for pk, text in texts.items()}
    found = partial(_count_found, reference, questions, progress=progress)
    try:
        found_before: int | None = found(before)
    except EmbeddingError:
        found_before = None
    return Recall(questions=len(questions), before=found_before, after=found(after))


def question_of(text: str) -> str:
    """The longest sentence that is not too long for a question, else the beginning of the longest one."""
    sentences = sorted(filter(None, map(str.strip, _SENTENCE_END.split(text))), key=len) or [text]
    short = [one for one in sentences if len(one) <= MAX_QUESTION_LENGTH]
    return (short or sentences)[-1][:MAX_QUESTION_LENGTH]


def _count_found(reference: Reference, questions: dict[UUID, str], model: str, *, progress: Progress) -> int:
    """How many passages are among the best for their question."""
    embedder, found, tenant_id = embedder_named(model), 0, UUID(str(reference.tenant_id))
    tokens = sum(embedder.count_tokens([*questions.values()]))
    with tenant_scope(tenant_id):
        charge(
            actor=system_actor(tenant_id, "worker"),
            amounts={QuotaKind.EMBEDDING: tokens},
            workspace_id=reference.workspace_id,
        )
    for number, (pk, question) in enumerate(questions.items()):
        progress("check", done=number, total=len(questions))
        query = Query(
            mode=Mode.DENSE,
            vector=cached_vector(embedder, tenant_id, question),
            filter=Filter(reference_ids=(reference.pk,)),
            limit=FOUND_AMONG,
        )
        hits = vector_store().search(tenant_id, collection_name(model), query)
        found += pk in {hit.point_id for hit in hits}
    return found
