from core.errors import EngineError


class OutboundError(EngineError):
    """A request to a tenant's address was refused or failed. The detail names the host and neither the address that it
    resolves to, nor the path, the query, a header or the response."""
