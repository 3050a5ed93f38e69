"""Which passage carries which tag, and why.

By hand and from metadata (both decided before), by rule, inherited from the reference, and `ai`: the cosine of the
passage to each tag of the reference's vocabulary, which needs no model server. Where several sources agree, the surest
one is named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np
import regex

from engines.embedding import Vectors
from knowledge.pipeline.values import (
    Chunked,
    Embedded,
    Source,
    TagAssignment,
    Tagged,
    TagSource,
    VocabularyTag,
    tag_id,
)

logger = logging.getLogger(__name__)
VERSION = "1"
# A passage and a tag that have to do with each other reach about this cosine with MiniLM; at most three tags a passage.
AI_THRESHOLD = 0.35
AI_LIMIT = 3
REGEX_SECONDS = 0.2

EmbedTags = Callable[[Sequence[str]], Vectors]


def tag(embedded: Sequence[Embedded], embed_tags: EmbedTags) -> list[Tagged]:
    """`embed_tags` turns the vocabulary's words into unit vectors."""
    return [_tag_document(one, embed_tags) for one in embedded]


def _tag_document(embedded: Embedded, embed_tags: EmbedTags) -> Tagged:
    chunked, source = embedded.chunked, embedded.chunked.source
    everywhere = [*source.document_tags, *_imported(chunked), *_inherited(source)]
    by_ai = _by_similarity(source.vocabulary, embedded.vectors, embed_tags)
    tags = tuple(
        _surest(
            [*source.manual_tags.get(digest, ()), *everywhere, *_by_rule(source.vocabulary, chunk.text), *ai]
        )
        for chunk, digest, ai in zip(chunked.chunks, chunked.digests, by_ai, strict=True)
    )
    return Tagged(chunked=chunked, vectors=embedded.vectors, tags=tags)


def imported_names(metadata: dict[str, object]) -> list[str]:
    """Tags that a file gives itself, in its front matter or properties: `tags` or `keywords`, a list or commas."""
    found = metadata.get("tags") or metadata.get("keywords") or []
    names = regex.split("[,;]", found) if isinstance(found, str) else found
    if not isinstance(names, list):
        return []
    return list(dict.fromkeys(name for raw in names if (name := str(raw).strip()) and len(name) <= 64))[:50]


def _imported(chunked: Chunked) -> Iterable[TagAssignment]:
    for name in imported_names(chunked.document.metadata):
        yield TagAssignment(
            tag_id=tag_id(chunked.source.reference_id, name), tag=name, source=TagSource.IMPORT
        )


def _inherited(source: Source) -> Iterable[TagAssignment]:
    return [
        TagAssignment(tag_id=word.id, tag=word.tag, source=TagSource.INHERITED)
        for word in source.vocabulary
        if word.inherited
    ]


def _by_rule(vocabulary: Sequence[VocabularyTag], text: str) -> list[TagAssignment]:
    return [
        TagAssignment(tag_id=word.id, tag=word.tag, source=TagSource.RULE)
        for word in vocabulary
        if any(_matches(kind, pattern, text) for kind, pattern in word.rules)
    ]


@lru_cache(maxsize=1024)
def compile_rule(kind: str, pattern: str) -> regex.Pattern[str]:
    """Raises regex.error. A keyword matches as whole words, in any case."""
    if kind == "keyword":
        pattern = rf"(?<!\w){regex.escape(pattern.strip())}(?!\w)"
    return regex.compile(pattern, regex.IGNORECASE if kind == "keyword" else 0)


def _matches(kind: str, pattern: str, text: str) -> bool:
    try:
        return compile_rule(kind, pattern).search(text, timeout=REGEX_SECONDS) is not None
    except (regex.error, TimeoutError) as error:
        logger.warning("tag rule %r passed over: %s", pattern, error or "it takes too long")
        return False


def _by_similarity(
    vocabulary: Sequence[VocabularyTag], vectors: Vectors, embed_tags: EmbedTags
) -> list[list[TagAssignment]]:
    if not vocabulary or not len(vectors):
        return [[] for _ in vectors]
    words = embed_tags(
        [f"{word.tag}: {word.description}" if word.description else word.tag for word in vocabulary]
    )
    return [_nearest(vocabulary, cosines) for cosines in vectors @ words.T]


def _nearest(vocabulary: Sequence[VocabularyTag], cosines: Vectors) -> list[TagAssignment]:
    best = [int(i) for i in np.argsort(-cosines)[:AI_LIMIT] if cosines[i] >= AI_THRESHOLD]
    return [
        TagAssignment(
            tag_id=vocabulary[i].id,
            tag=vocabulary[i].tag,
            source=TagSource.AI,
            confidence=round(min(float(cosines[i]), 1.0), 4),
        )
        for i in best
    ]


def _surest(assignments: Sequence[TagAssignment]) -> tuple[TagAssignment, ...]:
    """One assignment a tag: the one whose source has precedence."""
    precedence = list(TagSource)
    ranked = sorted(assignments, key=lambda one: precedence.index(one.source))
    return tuple({a.tag_id: a for a in reversed(ranked)}.values())
