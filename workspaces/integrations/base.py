"""What every type of integration has, and the parts of forms that several types share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from core.error_codes import sentence
from core.errors import EngineError
from core.outbound import AllowList, OutboundClient, OutboundResponse

Config = Mapping[str, Any]
Schema = Mapping[str, Any]
# A hint of forms: a value that is never repeated in a message, but shown on the page once it is valid.
SHOWN = "x-shown"
TEST_SECONDS = 30.0


class IntegrationError(EngineError):
    """The outside service refuses, or the integration is not complete: `reason` says why, in some of the codes."""

    def __init__(self, code: str, *, reason: str = "", **facts: object) -> None:
        super().__init__(code, sentence(code, reason=reason, **facts))
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationKind:
    """`form` is a JSON Schema, in which `writeOnly` marks secrets. `check` tries the connection for a tenant, and returns a
    sentence about what it has found; it raises EngineError. `documentation` is a page of docs/."""

    type: str
    title: str
    purpose: str
    documentation: str
    form: Schema
    check: Callable[[Config, UUID], str]


def form(required: tuple[str, ...], /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "writeOnly": True,
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


def text(title: str, description: str, *, example: str = "", pattern: str = "", longest: int = 255) -> Schema:
    schema = {
        "type": "string",
        "minLength": 1,
        "maxLength": longest,
        "title": title,
        "description": description,
    }
    return {
        **schema,
        **({"examples": [example]} if example else {}),
        **({"pattern": pattern} if pattern else {}),
    }


def secret(title: str, description: str, *, lines: bool = False) -> Schema:
    return {
        **text(title, description, longest=20_000 if lines else 4000),
        "writeOnly": True,
        **({"format": "textarea"} if lines else {}),
    }


def address(description: str, example: str, *, is_secret: bool = False) -> Schema:
    """Of http or https, without a user name, a query or a fragment."""
    return {
        "type": "string",
        "pattern": r"^https?://[^\s/?#@]+[^\s?#@]*$",
        "maxLength": 2000,
        "writeOnly": True,
        "title": "Address",
        "description": description,
        "examples": [example],
        SHOWN: not is_secret,
    }


def host(description: str, example: str) -> Schema:
    return text(
        "Host",
        description,
        example=example,
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$|^\[?[0-9a-fA-F:.]+\]?$",
    )


def port(default: int) -> Schema:
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": 65535,
        "title": "Port",
        "description": f"a number from 1 to 65535; {default} if it is left empty",
    }


def choice(title: str, description: str, values: tuple[str, ...]) -> Schema:
    return {"enum": list(values), "title": title, "description": description}


SECURITY = choice(
    "Encryption",
    "TLS from the start, STARTTLS, or none (only inside a network that you trust); tls if it is left empty",
    ("tls", "starttls", "none"),
)


def allow_list() -> AllowList:
    return AllowList.parse(settings.OUTBOUND_ALLOW)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or url[:100]


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, passes: tuple[int, ...] = ()
) -> OutboundResponse:
    """One request of a test of the connection. Raises OutboundError, and IntegrationError for a status that says that it
    does not work, unless it `passes`."""
    client = OutboundClient(allow_list(), timeout_seconds=TEST_SECONDS, max_bytes=1024 * 1024)
    try:
        response = client.request(method, url, headers=headers, body=body)
    finally:
        client.close()
    if response.status in (401, 403):
        raise IntegrationError("integration_denied", host=host_of(url))
    if response.status >= 400 and response.status not in passes:
        code = "integration_unavailable" if response.status >= 500 else "integration_refused"
        raise IntegrationError(
            code, host=host_of(url), reason=f"it answers with the status {response.status}"
        )
    return response


@contextmanager
def no_details(host_name: str, *failures: type[BaseException]) -> Iterator[None]:
    """Raise IntegrationError for the library's failures, without their messages: these may have addresses, secrets or
    answers of internal services in them."""
    try:
        yield
    except EngineError:
        raise
    except failures as error:
        raise IntegrationError(
            "integration_unavailable", host=host_name, reason=type(error).__name__
        ) from None
