"""Reading a tenant's whole audit log, and naming the first row that is not as OYL wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from audit import chain_heads
from audit.chain_heads import AuditAnchorError, Head
from audit.digests import FACTS_SQL, digest_of, first_seal, key, seal_of
from core.isolation.scope import tenant_scope

# One statement sees one moment: events that come, and seals that are given, meanwhile do not disturb it.
ROWS_SQL = f"""
SELECT s.sequence, s.seal, s.audit_log_id, a.id, a.digest, {FACTS_SQL}
FROM audit_seals s FULL JOIN audit_logs a ON a.tenant_id = s.tenant_id AND a.id = s.audit_log_id
ORDER BY s.sequence NULLS LAST, a.created_at, a.id
"""  # noqa: S608
FETCH = 5_000
SORT_MEMORY = "128MB"


class Row(NamedTuple):
    """A seal with its event; either may be missing."""

    sequence: int | None
    seal: str
    sealed_id: UUID
    id: UUID | None
    digest: str
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProblem:
    """`kind` is stable; `sequence` and `event` name the first bad row, as far as there is one."""

    kind: str
    detail: str
    sequence: int | None = None
    event: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """`events` were read up to the first problem, `unsealed` of them have no place in the chain yet."""

    tenant_id: UUID
    events: int
    unsealed: int
    problem: ChainProblem | None


def verify(tenant_id: UUID) -> AuditReport:
    """Read everything once, in order. Neither new events nor a sealing at work make a false alarm."""
    try:
        anchor = chain_heads.read(tenant_id)  # before the rows: it never says more than they do
    except AuditAnchorError as error:
        unreadable = ChainProblem(kind="anchor", detail=str(error))
        return AuditReport(tenant_id=tenant_id, events=0, unsealed=0, problem=unreadable)
    chain = _Chain(tenant_id, anchor)
    problem: ChainProblem | None = None
    with tenant_scope(tenant_id):
        for row in _rows():  # to the end: a statement that is broken off takes its transaction with it
            problem = problem or chain.problem_of(row)
    if anchor is None and chain.sequence and chain_heads.path_of(tenant_id).exists():
        return verify(tenant_id)  # it was sealed for the first time meanwhile
    return AuditReport(
        tenant_id=tenant_id,
        events=chain.events,
        unsealed=chain.unsealed,
        problem=problem or chain.problem_of_end(),
    )


def _rows() -> Iterator[Row]:
    """As PostgreSQL sends them: it sorts in parallel, as it would not for a cursor of its own, and goes on while they are
    checked here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [SORT_MEMORY])
        yield from map(Row._make, cursor.stream(ROWS_SQL, size=FETCH))


class _Chain:
    """What was read so far."""

    def __init__(self, tenant_id: UUID, anchor: Head | None) -> None:
        self.tenant_id, self.anchor, self.key = tenant_id, anchor, key()
        self.sequence, self.seal = 0, first_seal(tenant_id)
        self.events = self.unsealed = 0
        self.anchored = anchor == Head(self.sequence, self.seal)

    def problem_of(self, row: Row) -> ChainProblem | None:
        """The next row's, which is counted. Nearly all are good: nothing more is done for those than must be."""
        self.events += 1
        sequence, seal, _, _, digest, facts = row
        is_genuine = digest is not None and digest_of(self.key, facts) == digest
        if sequence is None:
            self.unsealed += 1
            return None if is_genuine else self._forged(row)
        is_next = sequence == self.sequence + 1 and is_genuine
        if not is_next or seal != seal_of(self.key, self.seal, sequence, digest):
            return self._misplaced(row, is_genuine)
        self.sequence, self.seal = sequence, seal
        if self.anchor and sequence == self.anchor.sequence:
            self.anchored = seal == self.anchor.seal
        return None

    def problem_of_end(self) -> ChainProblem | None:
        """What the anchor knows and the rows do not."""
        if self.anchor is None:
            detail = f"{chain_heads.path_of(self.tenant_id)} is missing: restore it from a backup."
            return ChainProblem(kind="anchor", detail=detail) if self.sequence else None
        if self.anchored:
            return None
        first, last = self.sequence + 1, self.anchor.sequence
        if last >= first:
            detail = f"Events #{first} to #{last} were sealed, but are gone: the end was cut off."
            return ChainProblem(kind="cut", sequence=first, detail=detail)
        detail = f"Event #{last} is not the one that was sealed: the end was replaced."
        return ChainProblem(kind="replaced", sequence=last, detail=detail)

    def _misplaced(self, row: Row, is_genuine: bool) -> ChainProblem:
        assert row.sequence is not None
        expected = self.sequence + 1
        if row.sequence < expected:
            return self._bad("forked", row, f"There are two events #{row.sequence}: the chain was forked.")
        if row.sequence > expected:
            detail = f"Event #{expected} was deleted; the next one there is #{row.sequence}."
            return ChainProblem(kind="deleted", sequence=expected, detail=detail)
        if row.id is None:
            detail = f"Event #{expected} ({row.sealed_id}) was deleted, its seal is still there."
            return ChainProblem(kind="deleted", sequence=expected, event=row.sealed_id, detail=detail)
        if not is_genuine:
            return self._bad("edited", row, f"Event #{expected} ({row.id}) was edited.")
        detail = f"Event #{expected} ({row.id}) is not in the place where it was sealed."
        return self._bad("moved", row, detail)

    def _forged(self, row: Row) -> ChainProblem:
        detail = f"Event {row.id} was not written by OYL, or was edited before it was sealed."
        return self._bad("forged", row, detail)

    def _bad(self, kind: str, row: Row, detail: str) -> ChainProblem:
        return ChainProblem(kind=kind, sequence=row.sequence, event=row.id, detail=detail)
