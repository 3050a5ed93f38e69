"""Reading a tenant's whole audit log and finding the first row that is not as OYL wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from audit import chain_heads
from audit.chain_heads import AuditAnchorError, ChainHead
from audit.digests import DIGEST_INPUT_SQL, digest_of, first_seal, keyed_hmac, seal_of
from core.isolation.scope import tenant_scope

# One statement reads one snapshot: events and seals that are added meanwhile make no difference.
ROWS_SQL = f"""
SELECT s.sequence, s.seal, s.audit_log_id, a.id, a.digest, {DIGEST_INPUT_SQL}
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
    digest_input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProblem:
    """`kind` is stable; `sequence` and `event` name the first bad row, if there is one."""

    kind: str
    detail: str
    sequence: int | None = None
    event: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """`events` is the number of events read, `unsealed` the number of those that have no seal yet."""

    tenant_id: UUID
    events: int
    unsealed: int
    problem: ChainProblem | None


def verify(tenant_id: UUID) -> AuditReport:
    """Read the whole log once, in order. New events and sealing at the same time cause no false alarm."""
    try:
        anchor = chain_heads.read(tenant_id)  # before the rows, which are never behind it
    except AuditAnchorError as error:
        unreadable = ChainProblem(kind="anchor", detail=str(error))
        return AuditReport(tenant_id=tenant_id, events=0, unsealed=0, problem=unreadable)
    chain = _ChainVerifier(tenant_id, anchor)
    problem: ChainProblem | None = None
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [SORT_MEMORY])
        # Streamed: PostgreSQL sorts in parallel, as it would not for a server-side cursor. Read to the end: an aborted
        # statement would abort the transaction.
        for row in map(Row._make, cursor.stream(ROWS_SQL, size=FETCH)):
            problem = problem or chain.next_problem(row)
    if anchor is None and chain.sequence and chain_heads.path_of(tenant_id).exists():
        return verify(tenant_id)  # the log was sealed for the first time meanwhile
    return AuditReport(
        tenant_id=tenant_id,
        events=chain.events,
        unsealed=chain.unsealed,
        problem=problem or chain.final_problem(),
    )


class _ChainVerifier:
    """Checks the rows in order; `sequence` and `seal` are those of the last good one."""

    def __init__(self, tenant_id: UUID, anchor: ChainHead | None) -> None:
        self.tenant_id, self.anchor, self.key = tenant_id, anchor, keyed_hmac()
        self.sequence, self.seal = 0, first_seal(tenant_id)
        self.events = self.unsealed = 0
        self.anchored = anchor == ChainHead(self.sequence, self.seal)

    def next_problem(self, row: Row) -> ChainProblem | None:
        """Count the next row and check it. Nearly all rows are good, so these take the short path."""
        self.events += 1
        sequence, seal, _, _, digest, digest_input = row
        is_genuine = digest is not None and digest_of(self.key, digest_input) == digest
        if sequence is None:
            self.unsealed += 1
            if is_genuine:
                return None
            detail = f"Event {row.id} was not written by OYL, or was edited before it was sealed."
            return self._problem_at(row, "forged", detail)
        is_next = sequence == self.sequence + 1 and is_genuine
        if not is_next or seal != seal_of(self.key, self.seal, sequence, digest):
            return self._explain_mismatch(row, is_genuine)
        self.sequence, self.seal = sequence, seal
        if self.anchor and sequence == self.anchor.sequence:
            self.anchored = seal == self.anchor.seal
        return None

    def final_problem(self) -> ChainProblem | None:
        """After the last row: whether the chain reached the anchor."""
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

    def _explain_mismatch(self, row: Row, is_genuine: bool) -> ChainProblem:
        assert row.sequence is not None
        expected = self.sequence + 1
        if row.sequence < expected:
            return self._problem_at(
                row, "forked", f"There are two events #{row.sequence}: the chain was forked."
            )
        if row.sequence > expected:
            detail = f"Event #{expected} was deleted; the next one there is #{row.sequence}."
            return ChainProblem(kind="deleted", sequence=expected, detail=detail)
        if row.id is None:
            detail = f"Event #{expected} ({row.sealed_id}) was deleted, its seal is still there."
            return ChainProblem(kind="deleted", sequence=expected, event=row.sealed_id, detail=detail)
        if not is_genuine:
            return self._problem_at(row, "edited", f"Event #{expected} ({row.id}) was edited.")
        detail = f"Event #{expected} ({row.id}) is not in the place where it was sealed."
        return self._problem_at(row, "moved", detail)

    def _problem_at(self, row: Row, kind: str, detail: str) -> ChainProblem:
        return ChainProblem(kind=kind, sequence=row.sequence, event=row.id, detail=detail)
