"""Servers of a network that is not there: a public one with answers of every kind, and an internal one."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MEBIBYTE = 1024 * 1024
PUBLIC, INTERNAL = "127.0.0.2", "127.0.0.1"
SECRET = "sk-4711"
NAMES = {
    "public.test": [PUBLIC],
    "second.test": [PUBLIC],
    "private.test": [INTERNAL],
    "mixed.test": [PUBLIC, INTERNAL],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.test": [INTERNAL],
    "v6.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "linklocal.test": ["fe80::1%eth0"],
}
BOMB = gzip.compress(bytes(50 * MEBIBYTE))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        path, _, query = self.path.partition("?")
        getattr(self, f"answer_{path.strip('/') or 'hello'}")(query)

    do_HEAD = do_POST = do_GET

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_hello(self, query: str) -> None:
        self.answer(b"hello", Set_Cookie="session=1")

    def answer_redirect(self, location: str) -> None:
        self.answer(b"", 302, Location=location.replace("PORT", str(self.server.internal_port)))

    def answer_loop(self, query: str) -> None:
        self.answer(b"", 307, Location="/loop")

    def answer_gzip(self, query: str) -> None:
        self.answer(gzip.compress(b"hello " * 1000), Content_Encoding="gzip")

    def answer_bomb(self, query: str) -> None:
        self.answer(BOMB, Content_Encoding="gzip")

    def answer_bomb_in_bomb(self, query: str) -> None:
        self.answer(gzip.compress(BOMB), Content_Encoding="gzip, gzip")

    def answer_brotli(self, query: str) -> None:
        self.answer(b"\x0b\x02\x80hello\x03", Content_Encoding="br")

    def answer_torn(self, query: str) -> None:
        self.answer(gzip.compress(b"hello" * 100)[:-9], Content_Encoding="gzip")

    def answer_two_members(self, query: str) -> None:
        self.answer(gzip.compress(b"first;") + gzip.compress(b"second"), Content_Encoding="gzip")

    def answer_slow_reader(self, query: str) -> None:
        for _ in range(100):
            self.rfile.read(0x10000)
            time.sleep(0.1)

    def answer_large(self, query: str) -> None:
        self.answer(bytes(3 * MEBIBYTE))

    def answer_endless(self, query: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def answer_slow(self, query: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b".")
            time.sleep(0.1)

    def answer_slow_headers(self, query: str) -> None:
        for character in "HTTP/1.1 200 OK\r\nX-Slow: " + "." * 100:
            self.wfile.write(character.encode())
            time.sleep(0.1)

    def answer_many_headers(self, query: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: " + b"." * 1000 + b"\r\n")

    def answer_banner(self, query: str) -> None:
        self.wfile.write(b"-ERR SECRET BANNER of an internal service\r\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    """`seen` are its requests, `connections` counts also those that never became one."""

    def __init__(self, address: str, internal_port: int = 0) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.connections, self.internal_port = 0, internal_port
        super().__init__((address, 0), Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.connections += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what most of these tests are about."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def serving(server: Server) -> Iterator[Server]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path
