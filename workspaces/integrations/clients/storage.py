"""Object stores and WebDAV by opendal, which opens its connections by itself: all of them go through a guard."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import opendal
from opendal import exceptions

from core.errors import ConfigurationError
from core.outbound import Guard, checked_addresses
from core.outbound.client import checked_url
from core.outbound.guard import OWN_HOST
from engines.singleton import Singleton
from workspaces.integrations.base import IntegrationError, allow_list, host_of

_PROXIES = (
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
)
_ENVIRONMENT = threading.Lock()
SCHEME_PORTS = {"http": 80, "https": 443}


@Singleton
def guard() -> Guard:
    """opendal's HTTP client is made once for the process, with the proxy that the environment names then."""
    made = Guard(allow_list)
    with _environment_of(made.address):
        try:
            answer = opendal.Operator("http", endpoint=f"http://{OWN_HOST}").read("check")
        except Exception:
            answer = b""
    if answer != b"guarded":
        raise ConfigurationError(
            "The storage library does not use its guard, so that no storage can be reached."
        )
    return made


@contextmanager
def _environment_of(proxy: str) -> Iterator[None]:
    with _ENVIRONMENT:
        before = {name: os.environ.pop(name, None) for name in _PROXIES}
        os.environ.update(HTTP_PROXY=proxy, HTTPS_PROXY=proxy, http_proxy=proxy, https_proxy=proxy)
        try:
            yield
        finally:
            for name in _PROXIES:
                os.environ.pop(name, None)
            os.environ.update({name: value for name, value in before.items() if value is not None})


def operator(scheme: str, endpoint: str, **options: Any) -> opendal.Operator:
    """Raises OutboundError for an address that may not be called, and IntegrationError for options that do not fit."""
    url = checked_url(endpoint)
    checked_addresses(url.host, url.port or SCHEME_PORTS[url.scheme], allow_list())
    guard()
    given = {name: str(value) for name, value in options.items() if value not in (None, "")}
    with storage_errors(endpoint):
        return opendal.Operator(scheme, endpoint=endpoint, **given)


@contextmanager
def storage_errors(endpoint: str) -> Iterator[None]:
    """Raise IntegrationError for opendal's errors, whose messages have addresses and backtraces in them."""
    name = host_of(endpoint)
    try:
        yield
    except exceptions.PermissionDenied:
        raise IntegrationError("integration_denied", host=name) from None
    except exceptions.NotFound:
        raise IntegrationError("integration_not_found", host=name, what="such bucket or folder") from None
    except (exceptions.ConfigInvalid, ValueError):
        raise IntegrationError("integration_not_configured", reason="a value does not fit") from None
    except (exceptions.RateLimited, exceptions.Unexpected, exceptions.Unsupported, exceptions.Error, OSError):
        raise IntegrationError(
            "integration_unavailable",
            host=name,
            reason="the request failed, or leads to an address that is not allowed",
        ) from None


def try_listing(store: opendal.Operator, endpoint: str) -> str:
    """For a test of the connection."""
    with storage_errors(endpoint):
        entries = [
            entry.path for entry, _ in zip(store.list(""), range(100), strict=False) if entry.path != "/"
        ]
    shown = ", ".join(entries[:5])
    return (
        f"It works: the folder has {shown}{' and more' if len(entries) > 5 else ''}."
        if entries
        else "It works; the folder is empty."
    )
