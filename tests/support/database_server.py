"""Databases of another owner at a port of this machine, as a tenant's integration names it: the suite's own PostgreSQL, and
MariaDB from Debian's `mariadb-server`."""

from __future__ import annotations

import getpass
import select
import socket
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymysql
from django.db import connection

from tests.support.ports import free_port, wait_for

NEVER = 1 << 60


class DatabaseServer(socketserver.ThreadingTCPServer):
    """Passes on what comes. It breaks the first connection that has had more than `breaks_after` bytes of answers."""

    daemon_threads = allow_reuse_address = True
    breaks_after = NEVER

    @property
    def config(self) -> dict[str, Any]:
        given = connection.get_connection_params()
        return {
            "engine": "postgresql",
            "host": "127.0.0.1",
            "port": self.server_address[1],
            "database": given["dbname"],
            "username": given["user"],
            "password": str(given.get("password") or ""),
            "tls": "off",
        }


class _Relay(socketserver.BaseRequestHandler):
    server: DatabaseServer

    def handle(self) -> None:
        with suppress(OSError), _own_server() as own:
            peers = {self.request: own, own: self.request}
            sent = 0
            while ready := select.select(list(peers), [], [])[0]:
                for sender in ready:
                    piece = sender.recv(65536)
                    sent += len(piece) if sender is own else 0
                    if sent > self.server.breaks_after:
                        self.server.breaks_after = NEVER
                        return
                    if not piece:
                        return
                    peers[sender].sendall(piece)


def _own_server() -> socket.socket:
    given = connection.get_connection_params()
    host, port = str(given["host"]), int(given.get("port") or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    made = socket.socket(socket.AF_UNIX)
    made.connect(f"{host}/.s.PGSQL.{port}")
    return made


@contextmanager
def database_server() -> Iterator[DatabaseServer]:
    with DatabaseServer(("127.0.0.1", 0), _Relay) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def maria_server() -> Iterator[dict[str, Any]]:
    """Yield the configuration of an integration."""
    with tempfile.TemporaryDirectory(prefix="oyl-maria-", ignore_cleanup_errors=True) as folder:
        data, sock, port = f"{folder}/data", f"{folder}/sock", free_port()
        user = getpass.getuser()
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        options = [f"--datadir={data}", f"--socket={sock}", f"--port={port}", "--bind-address=127.0.0.1"]
        small = ["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", f"--user={user}"]
        process = subprocess.Popen(["mariadbd", "--no-defaults", *options, *small], stderr=subprocess.DEVNULL)
        try:
            _set_up(port, sock, user)
            yield {
                "engine": "mysql",
                "host": "127.0.0.1",
                "port": port,
                "database": "shop",
                "username": "reader",
                "password": "secret",
                "tls": "off",
            }
        finally:
            process.kill()
            process.wait()


def _set_up(port: int, sock: str, user: str) -> None:
    wait_for(port)
    with pymysql.connect(unix_socket=sock, user=user) as made, made.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop")
        cursor.execute("CREATE USER reader@'%' IDENTIFIED BY 'secret'")
        cursor.execute("GRANT SELECT ON shop.* TO reader@'%'")
