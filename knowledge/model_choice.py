"""Which embedding model suits the languages of a reference's documents, for references that leave the choice to these.

The installation's own model is kept as long as it reads nearly everything; else it is the multilingual one. It reads no
English worse than it has to, but takes more than twice the time: docs/decisions/0034.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Count, F, Q

from engines.embedding import E5Config
from engines.languages import languages_of
from knowledge.engine_config import default_model, embedder_configs
from knowledge.models import Chunk

MAX_UNREAD = 0.1  # of the text
SAMPLED_TEXTS = 200


def model_for_texts(texts: Sequence[str]) -> str:
    """By the lengths of the texts; of many, a sample is enough."""
    sample = texts[:: max(1, len(texts) // SAMPLED_TEXTS)]
    unread = sum(
        len(text)
        for text, language in zip(sample, languages_of(sample), strict=True)
        if language in _unread_languages()
    )
    return _model_for(unread, sum(map(len, sample)))


def model_for_passages(reference_id: UUID) -> str:
    """Inside a scope: by the number of the passages."""
    unread = Count("pk", filter=Q(language__in=_unread_languages()))
    passages = Chunk.objects.filter(document__reference=reference_id, document__deleted_at=None)
    counts = passages.order_by().aggregate(unread=unread, all=Count("pk"))
    return _model_for(counts["unread"], counts["all"])


def languages_of_passages(reference_id: UUID, *, most: int) -> Counter[str]:
    """Inside a scope: the languages of a reference's passages, or of so many of them; "" is an uncertain one."""
    passages = Chunk.objects.filter(
        document__reference=reference_id, document__deleted_at=None, generation=F("document__generation")
    )
    return Counter(passages.order_by().values_list("language", flat=True)[:most])


def passages_by_language(reference_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Inside a scope: {reference: {language: number of passages}}, the most frequent language first; "" is an uncertain
    one."""
    passages = Chunk.objects.filter(
        document__reference__in=reference_ids, document__deleted_at=None, generation=F("document__generation")
    )
    groups = passages.order_by().values_list("document__reference", "language").annotate(number=Count("pk"))
    found: dict[UUID, dict[str, int]] = {pk: {} for pk in reference_ids}
    for reference_id, language, number in groups.order_by("-number", "language"):
        found[reference_id][language] = number
    return found


def _model_for(unread: int, whole: int) -> str:
    return multilingual_model() if unread > MAX_UNREAD * whole else default_model()


def multilingual_model() -> str:
    return next(model for model, config in embedder_configs().items() if isinstance(config, E5Config))


def _unread_languages() -> frozenset[str]:
    """Those that the installation's own model does not read, but the multilingual one."""
    own = embedder_configs()[default_model()].languages
    return frozenset() if own is None else E5Config.languages - own
