"""The encryption of connections that are not HTTP."""

from __future__ import annotations

import ssl

from workspaces.integrations.base import Config


def tls_context() -> ssl.SSLContext:
    """With the certificates of the system, or of `SSL_CERT_FILE`."""
    return ssl.create_default_context()


def security_of(config: Config) -> str:
    return str(config.get("security", "tls"))
