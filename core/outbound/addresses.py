"""The addresses that OYL may connect to for a tenant: public ones, and those that the operator allows."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

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
# Clouds serve credentials here: an allowed name does not permit these, only an allowed address does.
LINK_LOCAL = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "168.63.129.16/32", "fe80::/10", "fd00:ec2::/32"))
)
HOST_ENTRY = re.compile(
    r"(\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?))(:(?P<port>[1-9]\d{0,4}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator allows besides public addresses: `hosts` with a port, or None for all ports, and `networks`."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = field(default=())

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """From `HOST`, `HOST:PORT`, an address or a CIDR each; `[ADDRESS]:PORT` for IPv6. Raise ConfigurationError for
        anything else."""
        hosts, networks = set(), []
        for entry in filter(None, (entry.strip() for entry in entries)):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                hosts.add(_host_and_port(entry))
        return cls(frozenset(hosts), tuple(networks))

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether a connection to this address is permitted when `host` was asked for."""
        name = host.lower().rstrip(".")
        if any(address in network for network in self.networks) or (str(address), port) in self.hosts:
            return True
        if {(name, port), (name, None)} & self.hosts:
            return not any(address in network for network in LINK_LOCAL)
        return is_public(address) and not is_own(address)


def _host_and_port(entry: str) -> tuple[str, int | None]:
    error = ConfigurationError(
        f"OUTBOUND_ALLOW: '{entry}' is neither a host, HOST:PORT, [IPv6]:PORT, an address nor a CIDR."
    )
    match = HOST_ENTRY.fullmatch(entry)
    if match is None or int(match["port"] or 0) > 65535:
        raise error
    host = (match["ipv6"] or match["host"]).lower()
    if match["ipv6"] or host.replace(".", "").isdigit():
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise error from None
    return host, int(match["port"]) if match["port"] else None


def is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return not any(address in network for network in NOT_PUBLIC)


def is_own(address: Address) -> bool:
    """Whether it is an address of this machine, which may be public. Connecting a UDP socket sends nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:  # there is no route
            return False
        return bool(probe.getsockname()[0] == str(address))


def resolve(host: str, port: int, allow: AllowList, timeout_seconds: float) -> list[str]:
    """The addresses of a host, in the resolver's order. Raise OutboundError unless all of them are permitted: the same
    error as for a host that does not exist, so that it does not reveal which internal names exist."""
    answer: SimpleQueue[list[Address]] = SimpleQueue()
    # `getaddrinfo` has no timeout. Each lookup has a thread of its own, so that one that hangs delays no other tenant's.
    Thread(target=_look_up, args=(host, port, answer), name="outbound-dns", daemon=True).start()
    try:
        addresses = answer.get(timeout=timeout_seconds)
    except Empty:
        raise OutboundError("outbound_timeout", host=host) from None
    if not addresses or not all(allow.permits(host, port, address) for address in addresses):
        raise OutboundError("invalid_outbound_address", host=host)
    return list(dict.fromkeys(map(str, addresses)))


def _look_up(host: str, port: int, answer: SimpleQueue[list[Address]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.put([ipaddress.ip_address(str(entry[4][0])) for entry in found])
    except (OSError, ValueError, OverflowError):  # gaierror and UnicodeError are among these
        answer.put([])
