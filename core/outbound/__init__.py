"""HTTP to addresses that tenants give, safe against server-side request forgery (SSRF).

It is the only way: lint forbids other HTTP clients. A caller passes the operator's allow-list, `settings.OUTBOUND_ALLOW`.
"""

from core.outbound.addresses import AllowList
from core.outbound.client import OutboundClient, OutboundResponse, OutboundStream
from core.outbound.deadlines import Deadline
from core.outbound.errors import OutboundError
from core.outbound.transport import httpx_client

__all__ = [
    "AllowList",
    "Deadline",
    "OutboundClient",
    "OutboundError",
    "OutboundResponse",
    "OutboundStream",
    "httpx_client",
]
