"""Object stores and WebDAV by opendal, which opens its connections by itself: all of them go through a guard."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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
# Of a step: a page of a list, or a whole file.
STEP_SECONDS = 120.0
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


def operator(scheme: str, endpoint: str, **options: Any) -> Store:
    """Raises OutboundError for an address that may not be called, and IntegrationError for options that do not fit."""
    url = checked_url(endpoint)
    checked_addresses(url.host, url.port or SCHEME_PORTS[url.scheme], allow_list())
    guard()
    given = {name: str(value) for name, value in options.items() if value not in (None, "")}
    with storage_errors(endpoint):
        return Store(opendal.AsyncOperator(scheme, endpoint=endpoint, **given), endpoint)


class Store:
    """opendal's asynchronous operator, because the synchronous one lets no other thread run while it waits for a list: not
    even the guard. Each step has a time limit. Raises IntegrationError."""

    def __init__(self, inner: opendal.AsyncOperator, endpoint: str) -> None:
        self._inner, self._endpoint = inner, endpoint

    def files(self, folder: str = "", *, recursive: bool = True) -> Iterator[opendal.types.Entry]:
        """Of a folder, which ends with /, and without it."""
        with storage_errors(self._endpoint), closing(asyncio.new_event_loop()) as loop:
            lister = loop.run_until_complete(_limited(lambda: self._inner.list(folder, recursive=recursive)))
            while (entry := loop.run_until_complete(_limited(lambda: _next_of(lister)))) is not None:
                if entry.path.lstrip("/") != folder:
                    yield entry

    def read(self, path: str) -> bytes:
        with storage_errors(self._endpoint), closing(asyncio.new_event_loop()) as loop:
            return bytes(loop.run_until_complete(_limited(lambda: self._inner.read(path))))


async def _limited(step: Callable[[], Any]) -> Any:
    """opendal's calls need the running loop already when they are made."""
    return await asyncio.wait_for(step(), STEP_SECONDS)


async def _next_of(lister: Any) -> Any:
    return await anext(lister, None)


@contextmanager
def storage_errors(endpoint: str) -> Iterator[None]:
    """Raise IntegrationError for opendal's errors, whose messages have addresses and backtraces in them."""
    name = host_of(endpoint)
    try:
        yield
    except exceptions.PermissionDenied:
        raise IntegrationError("integration_denied", host=name) from None
    except (exceptions.NotFound, exceptions.ConfigInvalid):
        raise IntegrationError(
            "integration_not_found", host=name, what="such bucket, folder or file"
        ) from None
    except ValueError:
        raise IntegrationError("integration_not_configured", reason="a value does not fit") from None
    except (
        exceptions.RateLimited,
        exceptions.Unexpected,
        exceptions.Unsupported,
        exceptions.Error,
        OSError,
        TimeoutError,
    ) as error:
        if re.search(r"\bstatus: 40[13]\b", str(error)):
            raise IntegrationError("integration_denied", host=name) from None
        raise IntegrationError(
            "integration_unavailable",
            host=name,
            reason="the request failed, or leads to an address that is not allowed",
        ) from None


def try_listing(store: Store) -> str:
    """For a test of the connection."""
    files = store.files(recursive=False)
    names = [entry.path for entry, _ in zip(files, range(100), strict=False)]
    if not names:
        return "It works; the folder is empty."
    return f"It works: the folder has {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}."
