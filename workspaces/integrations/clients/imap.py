"""Mailboxes by IMAP, by imap-tools over a connection that was checked."""

from __future__ import annotations

import imaplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from imap_tools import BaseMailBox, ImapToolsError, MailboxLoginError

from core.outbound import checked_socket
from workspaces.integrations.base import TEST_SECONDS, Config, IntegrationError, allow_list, no_details
from workspaces.integrations.clients.tls import security_of, tls_context

FAILURES = (ImapToolsError, imaplib.IMAP4.error, OSError, ValueError, UnicodeError)


class _Client(imaplib.IMAP4):
    def __init__(self, name: str, number: int, is_tls: bool) -> None:
        self._is_tls = is_tls
        super().__init__(name, number)

    def _create_socket(self, timeout: Any) -> socket.socket:
        made = checked_socket(self.host, self.port, allow_list(), timeout_seconds=TEST_SECONDS)
        return tls_context().wrap_socket(made, server_hostname=self.host) if self._is_tls else made


class _MailBox(BaseMailBox):
    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        security = security_of(self._config)
        number = self._config.get("port", 993 if security == "tls" else 143)
        client = _Client(self._config["host"], number, security == "tls")
        if security == "starttls":
            client.starttls(tls_context())
        return client


@contextmanager
def connected(config: Config) -> Iterator[BaseMailBox]:
    """Raises OutboundError and IntegrationError."""
    with no_details(config["host"], *FAILURES):
        box = _MailBox(config)
        try:
            try:
                box.login(config["username"], config["password"], initial_folder=None)
            except MailboxLoginError:
                raise IntegrationError("integration_denied", host=config["host"]) from None
            yield box
        finally:
            with suppress(*FAILURES):
                box.logout()
