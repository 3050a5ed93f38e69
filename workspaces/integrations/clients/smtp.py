"""Sending mails by SMTP, over a connection that was checked."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.outbound import checked_socket
from workspaces.integrations.base import TEST_SECONDS, Config, IntegrationError, allow_list, no_details
from workspaces.integrations.clients.tls import security_of, tls_context

FAILURES = (smtplib.SMTPException, OSError, ValueError)
PORTS = {"tls": 465, "starttls": 587, "none": 25}


class _Client(smtplib.SMTP):
    def __init__(self, name: str, number: int, is_tls: bool) -> None:
        self._is_tls = is_tls
        super().__init__(name, number, timeout=TEST_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        made = checked_socket(host, port, allow_list(), timeout_seconds=TEST_SECONDS)
        return tls_context().wrap_socket(made, server_hostname=host) if self._is_tls else made


@contextmanager
def connected(config: Config) -> Iterator[smtplib.SMTP]:
    """A client that has signed in. Raises OutboundError and IntegrationError."""
    security = security_of(config)
    with no_details(config["host"], *FAILURES):
        client = _Client(config["host"], config.get("port", PORTS[security]), security == "tls")
        try:
            if security == "starttls":
                client.starttls(context=tls_context())
            if "username" in config:
                try:
                    client.login(config["username"], config.get("password", ""))
                except smtplib.SMTPAuthenticationError:
                    raise IntegrationError("integration_denied", host=config["host"]) from None
            yield client
        finally:
            with suppress(*FAILURES):
                client.quit()
