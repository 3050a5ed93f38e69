"""Connections to addresses that tenants give, safe against server-side request forgery (SSRF).

For HTTP there is one client, and lint forbids others. Libraries that speak other protocols get a `checked_socket`, or
connect through a `Guard`. A caller passes the operator's allow-list, `settings.OUTBOUND_ALLOW`.
"""

from core.outbound.addresses import AllowList
from core.outbound.client import OutboundClient, OutboundResponse, OutboundStream, checked_url
from core.outbound.deadlines import Deadline
from core.outbound.errors import OutboundError
from core.outbound.guard import Guard
from core.outbound.requests_session import requests_session
from core.outbound.sockets import checked_addresses, checked_socket
from core.outbound.transport import httpx_client

__all__ = [
    "AllowList",
    "Deadline",
    "Guard",
    "OutboundClient",
    "OutboundError",
    "OutboundResponse",
    "OutboundStream",
    "checked_addresses",
    "checked_socket",
    "checked_url",
    "httpx_client",
    "requests_session",
]
