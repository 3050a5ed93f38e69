"""Tagging: which chunk has which tag, and from which source.

The sources are users and metadata (both known beforehand), rules, inheritance from the reference, and `ai`: the cosine
similarity of the chunk to each tag of the vocabulary, for which no model server is needed. Of several sources that assign
the same tag, the first in `TagSource` is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import regex

from engines.embedding import Vectors
from knowledge.pipeline.values import Embedded, TagAssignment, Tagged, TagSource, VocabularyTag, tag_id

logger = logging.getLogger(__name__)
VERSION = "1"
# With MiniLM, a chunk and a related tag reach about this cosine.
MIN_AI_SIMILARITY = 0.35
MAX_AI_TAGS = 3
REGEX_TIMEOUT_SECONDS = 0.2

EmbedTexts = Callable[[Sequence[str]], Vectors]


def tag(embedded: Embedded, embed_texts: EmbedTexts) -> Tagged:
    """`embed_texts` returns the unit vectors of the vocabulary's tags."""
    chunked, source = embedded.chunked, embedded.chunked.source
    document_tags = [
        *source.document_tags,
        *(
            TagAssignment(tag_id=tag_id(source.reference_id, name), tag=name, source=TagSource.IMPORT)
            for name in imported_tag_names(chunked.document.metadata)
        ),
        *(word.assign(TagSource.INHERITED) for word in source.vocabulary if word.inherited),
    ]
    ai_tags = _ai_tags(source.vocabulary, embedded.vectors, embed_texts)
    precedence, tags = list(TagSource), list[tuple[TagAssignment, ...]]()
    for chunk, digest, ai in zip(chunked.chunks, chunked.digests, ai_tags, strict=True):
        manual = source.manual_tags.get(digest, ())
        by_rule = [word.assign(TagSource.RULE) for word in source.vocabulary if _matches(word, chunk.text)]
        ranked = sorted(
            [*manual, *document_tags, *by_rule, *ai], key=lambda one: precedence.index(one.source)
        )
        tags.append(tuple({one.tag_id: one for one in reversed(ranked)}.values()))
    return Tagged(chunked=chunked, vectors=embedded.vectors, tags=tuple(tags))


def imported_tag_names(metadata: dict[str, object]) -> list[str]:
    """Return a file's own tags, from its front matter or properties: `tags` or `keywords`, a list or separated by commas or
    semicolons."""
    value = metadata.get("tags") or metadata.get("keywords") or []
    names = regex.split("[,;]", value) if isinstance(value, str) else value
    if not isinstance(names, list):
        return []
    return list(dict.fromkeys(name for raw in names if (name := str(raw).strip()) and len(name) <= 64))[:50]


@lru_cache(maxsize=1024)
def compile_rule(kind: str, pattern: str) -> regex.Pattern[str]:
    """Raise regex.error for an invalid pattern. A keyword matches whole words, case-insensitively."""
    if kind == "keyword":
        pattern = rf"(?<!\w){regex.escape(pattern.strip())}(?!\w)"
    return regex.compile(pattern, regex.IGNORECASE if kind == "keyword" else 0)


def _matches(word: VocabularyTag, text: str) -> bool:
    for kind, pattern in word.rules:
        try:
            if compile_rule(kind, pattern).search(text, timeout=REGEX_TIMEOUT_SECONDS):
                return True
        except (regex.error, TimeoutError) as error:
            logger.warning("tag rule %r passed over: %s", pattern, error or "it takes too long")
    return False


def _ai_tags(
    vocabulary: Sequence[VocabularyTag], vectors: Vectors, embed_texts: EmbedTexts
) -> list[list[TagAssignment]]:
    """Return the most similar tags of each vector."""
    if not vocabulary or not len(vectors):
        return [[] for _ in vectors]
    texts = [f"{word.tag}: {word.description}" if word.description else word.tag for word in vocabulary]
    return [
        [
            vocabulary[i].assign(TagSource.AI, confidence=round(min(float(similarities[i]), 1.0), 4))
            for i in np.argsort(-similarities)[:MAX_AI_TAGS]
            if similarities[i] >= MIN_AI_SIMILARITY
        ]
        for similarities in vectors @ embed_texts(texts).T
    ]
