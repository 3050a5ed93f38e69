"""HTTP to addresses that tenants give: the only way there is, safe against server-side request forgery (SSRF).

Other HTTP clients are banned by lint. A caller passes the operator's allow-list, `settings.OUTBOUND_ALLOW`.
"""

from core.outbound.addresses import AllowList
from core.outbound.client import OutboundClient, OutboundResponse, OutboundStream
from core.outbound.errors import OutboundError

__all__ = ["AllowList", "OutboundClient", "OutboundError", "OutboundResponse", "OutboundStream"]
