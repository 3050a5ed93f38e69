"""Databases that data sources read: PostgreSQL and MySQL, over a connection that was checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pymysql

from core.outbound import checked_addresses, checked_socket
from workspaces.integrations.base import TEST_SECONDS, Config, IntegrationError, allow_list, no_details
from workspaces.integrations.clients.tls import tls_context

FAILURES = (psycopg.Error, pymysql.Error, OSError, ValueError, RuntimeError)
PORTS = {"postgresql": 5432, "mysql": 3306}
_WRONG_LOGIN = {"28P01", "28000"}
_MYSQL_WRONG_LOGIN, _MYSQL_NO_DATABASE = {1044, 1045}, {1049}


@contextmanager
def connected(config: Config, *, statement_seconds: float = TEST_SECONDS) -> Iterator[Any]:
    """A connection of the DB-API that can only read. Raises OutboundError and IntegrationError for what fails until it is
    open, and then the library's own errors."""
    with no_details(config["host"], *FAILURES):
        connection = _OPENERS[config["engine"]](config, statement_seconds)
    try:
        yield connection
    finally:
        with suppress(*FAILURES):
            connection.close()


def _postgresql(config: Config, statement_seconds: float) -> Any:
    number = config.get("port", PORTS["postgresql"])
    addresses = checked_addresses(config["host"], number, allow_list())
    try:
        return psycopg.connect(
            host=",".join([config["host"]] * len(addresses)),
            hostaddr=",".join(addresses),
            port=",".join([str(number)] * len(addresses)),
            dbname=config["database"],
            user=config["username"],
            password=config.get("password", ""),
            sslmode=_ssl_mode(config),
            connect_timeout=int(TEST_SECONDS),
            # Files of the operator's account are none of the tenant's.
            passfile="/dev/null",
            sslcert="/dev/null",
            sslkey="/dev/null",
            gssencmode="disable",
            options=f"-c default_transaction_read_only=on -c statement_timeout={int(statement_seconds * 1000)}",
        )
    except psycopg.OperationalError as error:
        text_of = str(error)
        if error.sqlstate in _WRONG_LOGIN or "authentication failed" in text_of or "no password" in text_of:
            raise IntegrationError("integration_denied", host=config["host"]) from None
        if "does not exist" in text_of:
            raise IntegrationError(
                "integration_not_found", host=config["host"], what="such database or user"
            ) from None
        raise


def _mysql(config: Config, statement_seconds: float) -> Any:
    number = config.get("port", PORTS["mysql"])
    sock = checked_socket(config["host"], number, allow_list(), timeout_seconds=statement_seconds)
    is_tls = config.get("tls") != "off"
    connection = pymysql.connect(
        host=config["host"],
        user=config["username"],
        password=config.get("password", ""),
        database=config["database"],
        charset="utf8mb4",
        ssl=_mysql_tls(config) if is_tls else None,
        ssl_disabled=not is_tls,
        read_timeout=statement_seconds,
        local_infile=False,
        read_default_file=None,
        defer_connect=True,
    )
    try:
        connection.connect(sock)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
    except pymysql.Error as error:
        sock.close()
        number_of = error.args[0] if error.args else 0
        if number_of in _MYSQL_WRONG_LOGIN:
            raise IntegrationError("integration_denied", host=config["host"]) from None
        if number_of in _MYSQL_NO_DATABASE:
            raise IntegrationError(
                "integration_not_found", host=config["host"], what="such database"
            ) from None
        raise
    return connection


def _ssl_mode(config: Config) -> str:
    return {"off": "disable", "unverified": "require"}.get(config.get("tls", ""), "verify-full")


def _mysql_tls(config: Config) -> Any:
    context = tls_context()
    if config.get("tls") == "unverified":
        context.check_hostname, context.verify_mode = False, 0  # type: ignore[assignment]
    return context


_OPENERS = {"postgresql": _postgresql, "mysql": _mysql}
