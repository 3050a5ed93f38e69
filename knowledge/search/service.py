"""Searching: the vector store ranks points, and PostgreSQL has their chunks.

Only chunks that exist in PostgreSQL inside the tenant's scope, in the published generation of their document, are returned.
Other points are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.services import charge_with_event, record_charged
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from core.request_work import search_slots
from engines.vectors import Mode, Query
from engines.vectors.bm25 import share_of_words
from knowledge.errors import FilterInvalidError
from knowledge.models import Document, DocumentStatus
from knowledge.search.by_model import models_in_use
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk, hydrate
from knowledge.search.metadata_names import warn_of_unknown_names
from knowledge.search.question import Question, parse
from knowledge.search.ranking import rank
from knowledge.search.reranking import reranked
from knowledge.search.similar import folded
from knowledge.search.warnings import Warn, ignore

MAX_LIMIT, MAX_QUERY_LENGTH = 1000, 10_000
EVENT = "search.performed"
# The event of a search has so many of the chunks, and their number.
RECORDED_HITS = 50
# A search is one unit, and one more for each so many chunks that it may return.
UNIT_HITS = 100
# Reranking is ten more: it takes the processors ten times as long as the rest of a search.
RERANK_UNITS = 10
# A question such as nonsense has no passage of this relevance: measured, see docs/decisions.
NOTHING_FOUND = 0.2
# More hits are ranked, because some may belong to a generation or a document that was replaced or deleted meanwhile.
SPARE_HITS = 10
UNREAD = (DocumentStatus.PENDING, DocumentStatus.PROCESSING)
MANY_UNREAD = 1000
# So many times as many are looked at where near-identical ones are folded.
FOLDED_DEPTH = 5


def search(
    *,
    actor: Actor,
    query: str,
    mode: Mode = Mode.HYBRID,
    limit: int = 10,
    filters: SearchFilters | None = None,
    operators: bool = True,
    fold_similar: bool = False,
    min_score: float | None = None,
    rerank: bool = False,
    warn: Warn = ignore,
    audited: bool = True,
) -> list[FoundChunk]:
    """Return the best chunks, the best first: those whose relevance is `min_score` or more; if that is None, none when
    not even the best one is relevant. Without `operators`, the whole query is text. With `fold_similar`, the best of
    near-identical chunks has the ids of the others. `warn` is called with sentences for people. Searches are recorded in the
    audit log if `audited`. Raise FilterInvalidError, QuotaExceededError, TooBusyError, EmbeddingError, VectorStoreError."""
    _check(actor, query, limit)
    with tenant_scope(actor.tenant_id):
        _charge(actor, units=1 + limit // UNIT_HITS + RERANK_UNITS * rerank, audited=audited)
        models = models_in_use()
    question = parse(query, operators=operators)
    depth = limit * FOLDED_DEPTH if fold_similar else limit
    wanted = Query(mode=mode, limit=depth + SPARE_HITS)
    asked = filters or SearchFilters()
    with search_slots().hold(actor.tenant_id):
        hits = rank(actor.tenant_id, question, wanted, models=models, filters=asked, warn=warn)
        if rerank and question.text:
            hits = reranked(actor.tenant_id, question.text, hits, warn)
    with tenant_scope(actor.tenant_id):
        chunks = hydrate([hit for hit in hits if hit.score >= (min_score or 0)], depth)
        if min_score is None and chunks and not _is_answer(question, chunks[0]):
            chunks = []
        chunks = folded(chunks)[:limit] if fold_similar else chunks
        if audited:
            _record(actor, query, mode, chunks)
        if not chunks:
            _warn_of_nothing(actor, asked, warn)
    return chunks


def _check(actor: Actor, query: str, limit: int) -> None:
    actor.require(Role.VIEWER)
    if not 1 <= limit <= MAX_LIMIT:
        raise FilterInvalidError(f"Ask for 1 to {MAX_LIMIT} passages.")
    if len(query) > MAX_QUERY_LENGTH:
        raise FilterInvalidError(f"A query has at most {MAX_QUERY_LENGTH:,} characters.")


def _charge(actor: Actor, *, units: int, audited: bool) -> None:
    """The event of the search is counted together with it. Raises QuotaExceededError."""
    amounts = {QuotaKind.SEARCH: units}
    if audited:
        charge_with_event(actor=actor, amounts=amounts, action=EVENT)
    else:
        charge(actor=actor, amounts=amounts)


def _record(actor: Actor, query: str, mode: Mode, chunks: Sequence[FoundChunk]) -> None:
    ids = [str(chunk.chunk_id) for chunk in chunks[:RECORDED_HITS]]
    record_charged(
        actor=actor,
        action=EVENT,
        query=query,
        mode=mode,
        hits=ids,
        hit_count=len(chunks),
    )


def _warn_of_nothing(actor: Actor, filters: SearchFilters, warn: Warn) -> None:
    """A name may be misspelt, and what is not found may be in a document that is not read yet."""
    warn_of_unknown_names(filters, warn)
    if actor.bound:
        return
    if unread := Document.objects.filter(processed_status__in=UNREAD)[:MANY_UNREAD].count():
        number = f"{MANY_UNREAD:,} or more" if unread == MANY_UNREAD else str(unread)
        warn(f"{number} document{'s are' if unread > 1 else ' is'} still being read. Search again later.")


def _is_answer(question: Question, best: FoundChunk) -> bool:
    """What has what was demanded was asked for. A passage that has half of the question's words is never nothing."""
    passage = "\n".join((best.filename, *best.heading, best.text))
    return (
        best.score >= NOTHING_FOUND or question.has_demands or share_of_words(question.text, passage) >= 0.5
    )
