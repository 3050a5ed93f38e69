"""SFTP servers, by paramiko over a connection that was checked."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from core.outbound import checked_socket
from workspaces.integrations.base import TEST_SECONDS, Config, IntegrationError, allow_list, no_details

FAILURES = (paramiko.SSHException, OSError, EOFError, ValueError)


@contextmanager
def connected(config: Config) -> Iterator[paramiko.SFTPClient]:
    """Raises OutboundError and IntegrationError."""
    name = config["host"]
    sock = checked_socket(name, config.get("port", 22), allow_list(), timeout_seconds=TEST_SECONDS)
    with sock, no_details(name, *FAILURES):
        transport = paramiko.Transport(sock)
        try:
            transport.start_client(timeout=TEST_SECONDS)
            _check_host_key(config, transport.get_remote_server_key())
            _sign_in(config, transport)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client, "the transport is open"
            client.get_channel().settimeout(TEST_SECONDS)  # type: ignore[union-attr]
            yield client
        finally:
            transport.close()


def _check_host_key(config: Config, key: paramiko.PKey) -> None:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    if config.get("host_key", "").rstrip("=") != f"SHA256:{digest}":
        raise IntegrationError("integration_host_key", host=config["host"], fingerprint=f"SHA256:{digest}")


def _sign_in(config: Config, transport: paramiko.Transport) -> None:
    try:
        if "private_key" in config:
            transport.auth_publickey(config["username"], _private_key(config))
        else:
            transport.auth_password(config["username"], config.get("password", ""))
    except paramiko.AuthenticationException:
        raise IntegrationError("integration_denied", host=config["host"]) from None


def _private_key(config: Config) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(config["private_key"]), config.get("password"))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise IntegrationError("integration_not_configured", reason="the private key cannot be read")
