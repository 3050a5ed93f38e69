"""The addresses that OYL may connect to for a tenant: public ones, and those that the operator allows."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from core.errors import ConfigurationError
from core.outbound.errors import OutboundError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA IPv4 and IPv6 Special-Purpose Address Registries, multicast, and addresses that clouds give to their metadata
# services. The properties of `ipaddress` are not used, because they differ between versions of Python.
NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata and DNS
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo, ORCHID and others
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address is inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# All other IPv6 addresses are loopback, link-local, site-local, unique local, multicast, IPv4-mapped or translated.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
HOST_ENTRY = re.compile(r"(?P<host>[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:(?P<port>\d{1,5}))?", re.IGNORECASE)
RESOLVER_THREADS = 16


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator allows besides public addresses: `hosts` with a port, or None for all ports, and `networks`."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = field(default=())

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """From `HOST`, `HOST:PORT`, an address or a CIDR each. Raise ConfigurationError for anything else."""
        hosts, networks = set(), []
        for entry in filter(None, (entry.strip() for entry in entries)):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                match = HOST_ENTRY.fullmatch(entry)
                port = int(match["port"] or 0) if match else 0
                is_bad_network = "/" in entry or entry.replace(".", "").isdigit()
                if match is None or port > 65535 or is_bad_network:
                    raise ConfigurationError(
                        f"OUTBOUND_ALLOW: '{entry}' is neither a host, HOST:PORT, an address nor a CIDR."
                    ) from None
                hosts.add((match["host"].lower(), port or None))
        return cls(frozenset(hosts), tuple(networks))

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether a connection to this address is permitted when `host` was asked for."""
        name = host.lower().rstrip(".")
        if {(name, port), (name, None), (str(address), port)} & self.hosts:
            return True
        return any(address in network for network in self.networks) or is_public(address)


def is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return not any(address in network for network in NOT_PUBLIC)


def resolve(host: str, port: int, allow: AllowList, timeout_seconds: float) -> list[str]:
    """The addresses of a host, in the resolver's order. Raise OutboundError unless all of them are permitted: the same
    error as for a host that does not exist, so that it does not reveal which internal names exist."""
    lookup = _resolver().submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(timeout=timeout_seconds)
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    except (OSError, ValueError):  # TimeoutError, gaierror and UnicodeError are among these
        addresses = []
    if not addresses or not all(allow.permits(host, port, address) for address in addresses):
        raise OutboundError("invalid_outbound_address", host=host)
    return list(dict.fromkeys(map(str, addresses)))


@cache
def _resolver() -> ThreadPoolExecutor:
    """`getaddrinfo` has no timeout of its own."""
    return ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="outbound-dns")
