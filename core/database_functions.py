"""The database's clock, and calls of its functions with values that must not be read elsewhere, such as what is derived from
a password."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import Cursor


def database_time() -> datetime:
    """By the clock of PostgreSQL, which all processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def call_function(name: str, *values: Any, using: str = DEFAULT_DB_ALIAS) -> Any:
    """Return the function's value. PostgreSQL gets the arguments apart from the statement, whose text it shows and logs;
    Django's own cursors write them into the text."""
    database = connections[using]
    places = ", ".join(["%s"] * len(values))
    with database.wrap_database_errors, database.cursor() as cursor, Cursor(cursor.connection) as bound:
        row = bound.execute(f"SELECT {name}({places})", values).fetchone()
    return row[0] if row else None
