"""The OpenID Connect provider that an operator has configured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

LONGEST_ISSUER = 200
PORTS = {"https": 443, "http": 80}
LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """It may vouch for addresses of `domains`; people of those in `joins` become viewers of the tenant with the id that
    stands there. Names do not do: a tenant could take the name of another."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str
    domains: frozenset[str]
    joins: Mapping[str, UUID]

    @property
    def host(self) -> str:
        """With the port."""
        parts = urlsplit(self.issuer)
        return f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"


def oidc_provider(
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    label: str,
    domains: Sequence[str],
    joins: Sequence[str],
) -> OidcProvider | None:
    """None without an issuer. Raises ImproperlyConfigured."""
    if not issuer:
        return None
    if not (client_id and client_secret):
        raise ImproperlyConfigured("Set OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, too: the provider gives them.")
    _require_safe(issuer)
    if not domains:
        raise ImproperlyConfigured(
            "Set OIDC_DOMAINS: the domains of the e-mail addresses that the provider may vouch for, such as example.org."
        )
    named = dict(_domain_and_tenant(entry) for entry in joins)
    if unknown := set(named) - set(domains):
        raise ImproperlyConfigured(f"OIDC_JOIN names {', '.join(unknown)}, which OIDC_DOMAINS does not.")
    return OidcProvider(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        label=label,
        domains=frozenset(domain.lower() for domain in domains),
        joins={domain.lower(): tenant for domain, tenant in named.items()},
    )


def _require_safe(issuer: str) -> None:
    parts = urlsplit(issuer)
    is_local = parts.scheme == "http" and parts.hostname in LOCAL
    if not parts.hostname or not (parts.scheme == "https" or is_local) or len(issuer) > LONGEST_ISSUER:
        raise ImproperlyConfigured("OIDC_ISSUER must be an address that begins with https://.")


def _domain_and_tenant(entry: str) -> tuple[str, UUID]:
    domain, _, tenant = entry.partition("=")
    try:
        return domain.strip(), UUID(tenant.strip())
    except ValueError as error:
        raise ImproperlyConfigured(
            "OIDC_JOIN must be a list of DOMAIN=ID, with the ids of tenants that `manage.py list_tenants` shows."
        ) from error
