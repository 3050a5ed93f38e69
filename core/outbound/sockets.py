"""Connections to addresses that tenants give, for libraries that speak another protocol than HTTP."""

from __future__ import annotations

import socket

from core.outbound.addresses import AllowList, resolve
from core.outbound.connections import MAX_CONNECT_SECONDS
from core.outbound.errors import OutboundError


def checked_socket(host: str, port: int, allow: AllowList, *, timeout_seconds: float = 30.0) -> socket.socket:
    """A socket that is connected to an address that was checked; each of its operations has the timeout. Raises
    OutboundError."""
    seconds = min(timeout_seconds, MAX_CONNECT_SECONDS)
    addresses = resolve(host, port, allow, seconds)
    for address in addresses:
        try:
            made = socket.create_connection((address, port), timeout=seconds / len(addresses))
        except OSError:
            continue
        made.settimeout(timeout_seconds)
        return made
    raise OutboundError("outbound_no_connection", host=host)


def checked_addresses(host: str, port: int, allow: AllowList) -> list[str]:
    """For libraries that connect by themselves, to an address that is given to them. Raises OutboundError."""
    return resolve(host, port, allow, MAX_CONNECT_SECONDS)
