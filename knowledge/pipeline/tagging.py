"""Tagging: which chunk has which tag, and from which source.

The sources are users and metadata (both known beforehand), rules, inheritance from the reference, and `ai`: the cosine
similarity of the chunk to each tag of the vocabulary, for which no model server is needed. Of several sources that assign
the same tag, the first in `TagSource` is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from core.names import without_forbidden
from engines.embedding import Embedder, Vectors
from engines.embedding.cosines import cosines_of
from knowledge.pipeline.hooks import Hooks
from knowledge.pipeline.rules import DocumentRules
from knowledge.pipeline.values import (
    MAX_VOCABULARY,
    Embedded,
    Source,
    TagAssignment,
    Tagged,
    TagSource,
    VocabularyTag,
    tag_id,
)

VERSION = "2"
# A passage and a related tag are at least so like each other: with MiniLM, a cosine of 0.35.
MIN_AI_LIKENESS = 0.62
MAX_AI_TAGS = 3


def tag(embedded: Embedded, embedder: Embedder, hooks: Hooks) -> Tagged | None:
    """None if the document is not wanted any more, which is looked up for each chunk."""
    chunked, source = embedded.chunked, embedded.chunked.source
    document_tags = [
        *source.document_tags,
        *_imported(source, imported_tag_names(chunked.document.metadata)),
        *(word.assign(TagSource.INHERITED) for word in source.vocabulary if word.inherited),
    ]
    ai_tags = _ai_tags(source.vocabulary, embedded.vectors, embedder)
    rules = DocumentRules(source.vocabulary, source.filename)
    precedence, tags = list(TagSource), list[tuple[TagAssignment, ...]]()
    for chunk, digest, ai in zip(chunked.chunks, chunked.digests, ai_tags, strict=True):
        hooks.progress("tag", done=len(tags), total=len(chunked.chunks))
        if not hooks.is_wanted(source.document_id):
            return None
        manual = source.manual_tags.get(digest, ())
        by_rule = [word.assign(TagSource.RULE) for word in rules.matching(chunk.text)]
        ranked = sorted(
            [*manual, *document_tags, *by_rule, *ai], key=lambda one: precedence.index(one.source)
        )
        tags.append(tuple({one.tag_id: one for one in reversed(ranked)}.values()))
    return Tagged(
        chunked=chunked,
        vectors=embedded.vectors,
        tags=tuple(tags),
        stopped_rules=rules.stopped,
    )


def imported_tag_names(metadata: dict[str, object]) -> list[str]:
    """Return a file's own tags, from its front matter or properties: `tags` or `keywords`, a list or separated by commas or
    semicolons."""
    value = metadata.get("tags") or metadata.get("keywords") or []
    names = re.split("[,;]", value) if isinstance(value, str) else value
    if not isinstance(names, list):
        return []
    stripped = (without_forbidden(str(name)) for name in names)
    usable = (name for name in stripped if name and len(name) <= 64)
    return list(dict.fromkeys(usable))[:50]


def _imported(source: Source, names: Sequence[str]) -> list[TagAssignment]:
    """A file's own tags: those of the vocabulary, in whichever case they are written, and new ones as far as it has room."""
    known = {word.tag.lower(): word for word in source.vocabulary}
    known |= {word.tag: word for word in source.vocabulary}
    room, assigned = MAX_VOCABULARY - len(source.vocabulary), dict[UUID, TagAssignment]()
    for name in names:
        if word := known.get(name) or known.get(name.lower()):
            assigned.setdefault(word.id, word.assign(TagSource.IMPORT))
        elif (pk := tag_id(source.reference_id, name)) not in assigned and room > 0:
            room -= 1
            assigned[pk] = TagAssignment(tag_id=pk, tag=name, source=TagSource.IMPORT)
    return list(assigned.values())


def _ai_tags(
    vocabulary: Sequence[VocabularyTag], vectors: Vectors, embedder: Embedder
) -> list[list[TagAssignment]]:
    """Return the most similar tags of each vector, of those that have a vector."""
    words = [word for word in vocabulary if word.vector is not None]
    word_vectors = [word.vector for word in words if word.vector is not None]
    if not words or not len(vectors):
        return [[] for _ in vectors]
    likeness = cosines_of(embedder).likeness
    return [
        [
            words[i].assign(TagSource.AI, confidence=round(min(float(similarities[i]), 1.0), 4))
            for i in np.argsort(-similarities)[:MAX_AI_TAGS]
            if likeness(float(similarities[i])) >= MIN_AI_LIKENESS
        ]
        for similarities in vectors @ np.stack(word_vectors).T
    ]
