"""An attacker who owns the database's tables and knows how OYL works, but has neither the audit key nor the anchor.

Each attack is committed, so that `verify` reads it as it would in production; then the log is restored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from core.isolation.scope import VARIABLE

TABLES = ("audit_logs", "audit_seals")
# The tables' owner can read every tenant's log; the attacker changes one tenant's.
OF_TENANT = f"tenant_id = current_setting('{VARIABLE}')::uuid"
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN ('audit_logs'::regclass, 'audit_seals'::regclass) AND contype IN ('f', 'p', 'u', 'c')
ORDER BY contype  -- foreign keys before the keys that they refer to
"""


class Attacker:
    """Attacks one tenant's log in a transaction. Places in the chain are numbered from 1 to `end`."""

    def __init__(self, cursor: CursorWrapper, chain: Sequence[UUID], random: Random) -> None:
        self.cursor, self.chain, self.random = cursor, chain, random

    @property
    def end(self) -> int:
        return len(self.chain)

    def event(self, place: int) -> UUID:
        return self.chain[place - 1]

    def other_place(self, place: int) -> int:
        return self.random.choice([n for n in range(1, self.end + 1) if n != place])

    def run(self, statement: str, *values: Any) -> None:
        """Execute a statement, which must change at least one row."""
        self.cursor.execute(statement, values)
        assert self.cursor.rowcount > 0, statement

    def drop(self, first: int, last: int, *, events: bool = True, seals: bool = True) -> None:
        if events:
            self.run("DELETE FROM audit_logs WHERE id = ANY(%s)", list(self.chain[first - 1 : last]))
        if seals:
            self.run("DELETE FROM audit_seals WHERE sequence BETWEEN %s AND %s", first, last)

    def shift(self, after: int, by: int) -> None:
        """Renumber the seals after a place, to close a gap or to make one."""
        if after < self.end:
            self.run("UPDATE audit_seals SET sequence = sequence + %s WHERE sequence > %s", by, after)

    def forge_event(self, like: int, **changes: Any) -> UUID:
        """Insert a copy of an event with a new id; return the id. Its digest is random, as the attacker lacks the key."""
        forged = {"id": str(self.new_id()), "digest": self.forgery(), **changes}
        self._copy("audit_logs", "id = %s", self.event(like), forged)
        return UUID(forged["id"])

    def copy_event(self, place: int) -> None:
        """Insert an exact copy."""
        self._copy("audit_logs", "id = %s", self.event(place), {})

    def copy_seal(self, place: int, **changes: Any) -> None:
        self._copy("audit_seals", "sequence = %s", place, {"id": str(self.new_id()), **changes})

    def new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def forgery(self) -> str:
        """Return a random digest or seal."""
        return self.random.randbytes(32).hex()

    def _copy(self, table: str, which: str, value: Any, changes: dict[str, Any]) -> None:
        self.run(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, %s::jsonb)).* FROM {table} t"
            f" WHERE {which} AND {OF_TENANT}",
            json.dumps(changes),
            value,
        )


@contextmanager
def attack(tenant_id: UUID, chain: Sequence[UUID], random: Random) -> Iterator[Attacker]:
    with _transaction(tenant_id) as cursor:
        yield Attacker(cursor, chain, random)


@contextmanager
def unprotected(tenant_id: UUID) -> Iterator[None]:
    """Remove the tables' triggers and constraints, and copy the tenant's rows; restore all of it after the block."""
    with _transaction(tenant_id) as cursor:
        cursor.execute(CONSTRAINTS)
        constraints = cursor.fetchall()
        for table, name, _ in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"CREATE TEMP TABLE pristine_{table} AS SELECT * FROM {table} WHERE {OF_TENANT}")
    try:
        yield
    finally:
        restore(tenant_id)
        with _transaction(tenant_id) as cursor:
            for table in TABLES:
                cursor.execute(f"DROP TABLE pristine_{table}")
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for table, name, definition in reversed(constraints):
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def restore(tenant_id: UUID) -> None:
    """Rewrite only the rows that were changed or duplicated, so that the tables do not grow."""
    with _transaction(tenant_id) as cursor:
        for table in TABLES:
            same = f"SELECT FROM pristine_{table} p WHERE p::text = t::text"
            twice = f"SELECT id FROM {table} WHERE {OF_TENANT} GROUP BY id HAVING count(*) > 1"
            cursor.execute(f"DELETE FROM {table} t WHERE NOT EXISTS ({same}) OR id IN ({twice})")
            missing = f"NOT EXISTS (SELECT FROM {table} t WHERE t.id = p.id)"
            cursor.execute(f"INSERT INTO {table} SELECT * FROM pristine_{table} p WHERE {missing}")


@contextmanager
def _transaction(tenant_id: UUID) -> Iterator[CursorWrapper]:
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [VARIABLE, str(tenant_id)])
        yield cursor
