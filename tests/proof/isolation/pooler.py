"""PgBouncer in transaction mode, in front of the suite's PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oyl.embedded.program import without_root

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PORT = "6432"
SETTINGS = """
[databases]
* = {server}
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(params: dict[str, Any], *, size: int) -> Iterator[dict[str, Any]]:
    """Yield the connection settings that lead through it, as in docs/deployment.md. `size` is its number of connections to
    PostgreSQL."""
    assert PROGRAM
    folder = Path(tempfile.mkdtemp(prefix="oyl-"))  # pytest's own are too long for a socket
    folder.chmod(0o777)
    server = " ".join(
        f"{key}={params[name]}" for key, name in (("host", "HOST"), ("port", "PORT")) if params[name]
    )
    settings = SETTINGS.format(server=server, folder=folder, port=PORT, size=size)
    (folder / "pgbouncer.ini").write_text(settings)
    (folder / "users").write_text(f'"{params["USER"]}" "{params["PASSWORD"]}"\n')
    process = subprocess.Popen([*without_root((PROGRAM, "-q", str(folder / "pgbouncer.ini")))])
    try:
        _wait_for(folder / f".s.PGSQL.{PORT}", process)
        yield {"HOST": str(folder), "PORT": PORT, "DISABLE_SERVER_SIDE_CURSORS": True}
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _wait_for(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while not socket.exists():
        assert process.poll() is None and time.monotonic() < deadline, "PgBouncer does not start"
        time.sleep(0.02)
