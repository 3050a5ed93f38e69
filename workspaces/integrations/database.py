"""Databases that data sources read: PostgreSQL and MySQL."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import (
    Config,
    IntegrationKind,
    choice,
    form,
    host,
    no_details,
    port,
    secret,
    text,
)


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.database import FAILURES, connected

    with (
        connected(config) as connection,
        no_details(config["host"], *FAILURES),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT version()")
        (version,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM information_schema.tables")
        (count,) = cursor.fetchone()
    return f"It works: {str(version).split(',')[0][:100]}, with {count} tables and views that this user sees."


KIND = IntegrationKind(
    type="database",
    title="Database (PostgreSQL, MySQL)",
    purpose="Rows for data sources. OYL only reads.",
    documentation="data-sources.md",
    check=check,
    form=form(
        ("engine", "host", "database", "username"),
        engine=choice("Engine", "PostgreSQL, or MySQL and MariaDB", ("postgresql", "mysql")),
        host=host("the server's name or address", "db.example.org"),
        port={**port(5432), "description": "a number from 1 to 65535; 5432 or 3306 if it is left empty"},
        database=text("Database", "the database's name", example="sales", pattern=r"^[^=/:\s]+$"),
        username=text("User name", "best one that may only read", example="reader"),
        password=secret("Password", "of the user"),
        tls=choice(
            "Encryption",
            "TLS with a verified certificate, with any, or off (only in a network that you trust); verified if empty",
            ("verified", "unverified", "off"),
        ),
    ),
)
