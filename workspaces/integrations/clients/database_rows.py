"""The rows of one SELECT of a database, as they come: none waits in memory. The transaction can only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import SSCursor

from engines.tables import TableError
from engines.tables.statements import require_select
from workspaces.integrations.base import Config, no_details
from workspaces.integrations.clients.database import FAILURES, connected

ROWS_AT_ONCE = 2_000
DIALECTS = {"postgresql": "postgres", "mysql": "mysql"}
# Types of columns that have no values. What is not here is text.
_POSTGRESQL = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("float4", "float8"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz"), "timestamp"),
    "numeric": "decimal",
    "bool": "boolean",
    "date": "date",
    "time": "time",
}
_MYSQL = {
    **dict.fromkeys(
        (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG), "integer"
    ),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), "number"),
    **dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), "timestamp"),
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.DATE: "date",
}

_POSTGRESQL_CONNECTION = ("08", "57P")
_MYSQL_CONNECTION, _MYSQL_TOO_SLOW = {0, *range(2000, 3000)}, {1969, 3024}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRows:
    """`declared` are the types of the columns by what the database says of them."""

    names: tuple[str, ...]
    declared: tuple[str, ...]
    rows: Iterator[Sequence[Any]]


def check_select(config: Config, sql: str) -> None:
    """Raises TableError."""
    require_select(sql, DIALECTS[config["engine"]])


@contextmanager
def selected(config: Config, sql: str, *, statement_seconds: float) -> Iterator[DatabaseRows]:
    """Raises OutboundError, IntegrationError for a connection that fails or ends, and TableError for a query that is
    refused."""
    check_select(config, sql)
    with (
        connected(config, statement_seconds=statement_seconds) as connection,
        _errors(config["host"], statement_seconds),
        _OPENERS[config["engine"]](connection, sql, statement_seconds) as found,
    ):
        yield found


@contextmanager
def _postgresql(connection: Any, sql: str, statement_seconds: float) -> Iterator[DatabaseRows]:
    connection.read_only = True
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(sql)
        types = [connection.adapters.types.get(column.type_code) for column in cursor.description]
        declared = tuple(_POSTGRESQL.get(one.name if one else "", "text") for one in types)
        yield DatabaseRows(names=_names(cursor), declared=declared, rows=iter(cursor))


@contextmanager
def _mysql(connection: Any, sql: str, statement_seconds: float) -> Iterator[DatabaseRows]:
    """Rows that the reader has left are not waited for: the connection is closed."""
    _limit_mysql(connection, statement_seconds)
    cursor: Any = SSCursor(connection)
    cursor.execute(sql)
    try:
        declared = tuple(_MYSQL.get(column[1], "text") for column in cursor.description)
        yield DatabaseRows(names=_names(cursor), declared=declared, rows=cursor.fetchall_unbuffered())
    finally:
        cursor._result.unbuffered_active = False


def _limit_mysql(connection: Any, seconds: float) -> None:
    """MySQL and MariaDB name the limit of a statement differently."""
    with connection.cursor() as cursor:
        for setting in (f"max_execution_time={int(seconds * 1000)}", f"max_statement_time={seconds:g}"):
            with suppress(pymysql.Error):
                cursor.execute(f"SET SESSION {setting}")
        cursor.execute("START TRANSACTION READ ONLY")


def _names(cursor: Any) -> tuple[str, ...]:
    """Raises TableError: each column of a data source has a name of its own."""
    names = tuple(str(column[0]) for column in cursor.description)
    doubled = [name for place, name in enumerate(names) if name.lower() in map(str.lower, names[:place])]
    if doubled:
        raise TableError("database_query", reason=f"two columns have the name '{doubled[0]}': use AS")
    return names


@contextmanager
def _errors(host: str, seconds: float) -> Iterator[None]:
    """What the database says of a statement tells its author what to correct; other failures are those of a connection."""
    with no_details(host, *FAILURES):
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise TableError("table_too_slow", seconds=seconds) from None
        except psycopg.Error as error:
            if error.sqlstate is None or error.sqlstate.startswith(_POSTGRESQL_CONNECTION):
                raise
            raise _refused(error.diag.message_primary) from None
        except pymysql.MySQLError as error:
            number, *reason = error.args or (0,)
            if number in _MYSQL_TOO_SLOW:
                raise TableError("table_too_slow", seconds=seconds) from None
            if number in _MYSQL_CONNECTION:
                raise
            raise _refused(*reason[:1]) from None


def _refused(reason: object = "") -> TableError:
    return TableError("database_query", reason=str(reason)[:300].rstrip("."))


_OPENERS = {"postgresql": _postgresql, "mysql": _mysql}
